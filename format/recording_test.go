package format

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
)

// killedEnv names the path to which the test binary, run again, records until it is killed.
const killedEnv = "GOSCHED_TEST_RECORD_UNTIL_KILLED"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedEnv); path != "" {
		recordForever(path)
	}
	os.Exit(m.Run())
}

// recordForever records segments of 5000 events as fast as it can.
func recordForever(path string) {
	meta := testMeta()
	meta.EndNS = 0
	rec, err := Create(path, meta, RecordingOptions{SegmentRows: 5000})
	if err != nil {
		panic(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for t := int64(1e18); ; t += 1e9 {
		if err := rec.Write(randomBatch(rng, rec, 777, t)); err != nil {
			panic(err)
		}
	}
}

func TestKilledRecorderLeavesReadableSegments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.parquet")
	cmd := exec.Command(os.Args[0], "-test.run=none")
	cmd.Env = append(os.Environ(), killedEnv+"="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		files, _ := segmentFiles(path + partialSuffix)
		if len(files) >= 5 {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatalf("no segments after a minute: %s", stderr.String())
		}
		time.Sleep(time.Millisecond) // polled, not hoped for
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "left segments") {
		t.Errorf("error %v, want one that names what is left", err)
	}
	r, err := Open(path + partialSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if r.Metadata().EndNS != 0 {
		t.Error("the trace of a killed recorder says that it is complete")
	}
	if n := strings.Count(text(t, r, Selection{}), "\n") - 3; int64(n) != r.Rows() || r.Rows()%5000 != 0 || n < 25000 {
		t.Errorf("%d events read of %d, want whole segments of 5000", n, r.Rows())
	}
	if _, err := Create(path, testMeta(), RecordingOptions{}); err == nil || !strings.Contains(err.Error(),
		"already holds") {
		t.Errorf("error %v, want Create to leave alone what a killed recorder left", err)
	}
}

func TestCreateFindsWhatIsWrongAtOnce(t *testing.T) {
	dir := t.TempDir()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "trace.parquet"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, text string }{
		{"a folder with another trace", other, "already holds other Parquet files (1)"},
		{"a missing folder", filepath.Join(dir, "no", "trace.parquet"), "no folder"},
		{"a missing folder of a folder", filepath.Join(dir, "no", "segments") + "/", "no folder"},
		{"no path", "", "no path"},
		{"a device", "/dev/null", "neither a file nor a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Create(c.path, testMeta(), RecordingOptions{}); err == nil || !strings.Contains(err.Error(),
				c.text) {
				t.Errorf("error %v, want one with %q", err, c.text)
			}
		})
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d entries left behind", len(left))
	}
}

func TestSegmentsStayInAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new") + "/"
	rec, err := Create(dir, testMeta(), RecordingOptions{SegmentRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Write(randomBatch(rand.New(rand.NewPCG(1, 2)), rec, 250, 1e18)); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, %v, want 3 segments", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	r, err := Open(dir)
	if err != nil || r.Rows() != 250 || r.Metadata().EndNS == 0 {
		t.Errorf("%d rows, complete %v, %v", r.Rows(), r.Metadata().EndNS != 0, err)
	}
}

func TestSegmentsAreCutByTimeAlsoWithoutEvents(t *testing.T) {
	now := time.Unix(0, 0)
	dir := t.TempDir() + "/"
	rec, err := Create(dir, testMeta(), RecordingOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Abort()
	if err := rec.Write(randomBatch(rand.New(rand.NewPCG(1, 2)), rec, 10, 1e18)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{0, 1, 1} {
		if err := rec.Write(new(Batch)); err != nil {
			t.Fatal(err)
		}
		if files, _ := segmentFiles(dir); len(files) != want {
			t.Errorf("%d segments after %v, want %d", len(files), now.Sub(time.Unix(0, 0)), want)
		}
		now = now.Add(1500 * time.Millisecond)
	}
}

func TestJoinKeepsLargeRowGroupsAndUnitesSmallOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.parquet")
	now := time.Unix(0, 0)
	rec, err := Create(path, testMeta(), RecordingOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	at := int64(1e18)
	for _, n := range []int{100, 200, 300, smallGroup, 2 * smallGroup, 50, 60} {
		b := randomBatch(rng, rec, n, at)
		at = b.TimeNS[n-1]
		if err := rec.Write(b); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Second)
		if err := rec.Write(new(Batch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file, closer, err := r.inputs[0].openFlat()
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	var got []int
	for g := range file.Groups() {
		got = append(got, file.GroupRows(g))
	}
	want := []int{600, smallGroup, 2 * smallGroup, 110}
	if len(got) != len(want) {
		t.Fatalf("row groups of %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row groups of %v, want %v", got, want)
		}
	}
}

// onSmallDisk gives a folder on a file system of size bytes.
func onSmallDisk(t *testing.T, size string) string {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, fs.ErrPermission) {
		testenv.Lacking(t, "mounting a small disk needs CAP_SYS_ADMIN")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestFullDiskKeepsWhatWasWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   string
		during bool // full while recording, or only when joining
	}{
		{"while recording", "256k", true},
		{"while joining", "1600k", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(onSmallDisk(t, c.size), "trace.parquet")
			rec, err := Create(path, testMeta(), RecordingOptions{SegmentRows: 5000})
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range 20 {
				if err = rec.Write(randomBatch(rng, rec, 5000, 1e18+int64(i)*1e9)); err != nil {
					break
				}
			}
			if c.during != (err != nil) || c.during && !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("error while recording: %v", err)
			}
			rows := rec.rows
			err = rec.Close(testMeta())
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "readable in "+rec.Dir()) {
				t.Errorf("error %v, want one that names what is left", err)
			}
			r, err := Open(rec.Dir())
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(text(t, r, Selection{}), "\n") - 3; int64(n) != rows || rows == 0 {
				t.Errorf("%d events read, want the %d of the finished segments", n, rows)
			}
		})
	}
}

func TestWriterRefusesWhatIsNoBatch(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Batch)
		text string
	}{
		{"columns of unequal length", func(b *Batch) { b.GoID = b.GoID[:1] }, "goid has 1 rows"},
		{"time that goes back", func(b *Batch) { b.TimeNS[2] = 5 }, "earlier"},
		{"a state that does not exist", func(b *Batch) { b.To[1] = 77 }, "value 77"},
		{"a string that nobody named", func(b *Batch) { b.Stack[1] = 1 << 30 }, "value 1073741824"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := NewWriter(&out, WriterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			b := randomBatch(rand.New(rand.NewPCG(1, 2)), w, 5, 1e18)
			c.edit(b)
			if err = w.Write(b); err == nil {
				err = w.Close(testMeta())
			}
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want one with %q", err, c.text)
			}
		})
	}
}

// segmentFiles lists the finished segments of a folder, in order.
func segmentFiles(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(globQuote(dir), segmentPrefix+"*"+segmentSuffix))
}
