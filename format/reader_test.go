package format

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smallFile is a trace of a few row groups and pages, with every kind of event.
func smallFile(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, WriterOptions{PageRows: 64, GroupRows: 256})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(randomBatch(rand.New(rand.NewPCG(5, 6)), w, 700, 1e18)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// readAll reads every column of a file and gives the number of events.
func readAll(b []byte) (int64, error) {
	r, err := NewReader("test", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	n := int64(0)
	for batch, err := range r.Batches(context.Background(), Selection{}) {
		if err != nil {
			return n, err
		}
		n += int64(batch.Len())
	}
	return n, nil
}

func TestReaderRefusesWhatIsNoTrace(t *testing.T) {
	whole := smallFile(t)
	for _, c := range []struct {
		name string
		file []byte
		want error
		text string
	}{
		{"an empty file", nil, ErrCorrupt, "only 0 bytes"},
		{"a text file", []byte("package format, a text of some length"), ErrCorrupt, "not a Parquet file"},
		{"a file cut off", whole[:len(whole)-100], ErrCorrupt, "cut off"},
		{"a footer that is too long", append(bytes.Clone(whole[:len(whole)-8]), 0xff, 0xff, 0xff, 0x7f, 'P', 'A', 'R',
			'1'), ErrCorrupt, "footer of"},
		{"a trace of another version", bytes.Replace(whole, []byte("schema_version\x18\x014"),
			[]byte("schema_version\x18\x015"), 1), ErrNewer, "schema version 5"},
		{"a Parquet file without our metadata", bytes.Replace(whole, []byte(keyVersion),
			[]byte("somebody.elses_version"), 1), ErrNotTrace, keyVersion},
		{"a Parquet file with other columns", bytes.ReplaceAll(whole, []byte("by_stack"), []byte("my_stack")),
			ErrNotTrace, "columns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readAll(c.file)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.text)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error is no sentence: %v", err)
			}
		})
	}
}

// TestDamageIsNeverSilent flips bits and cuts: the reader says so, or gives all
// events as they were. Only metadata, which has no checksum, may read differently.
func TestDamageIsNeverSilent(t *testing.T) {
	whole := smallFile(t)
	footer := bytes.LastIndex(whole, []byte("gosched.schema_version")) - 5000
	for at := 4; at < footer; at += 97 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (at % 8)
		if n, err := readAll(damaged); err == nil && n != 700 {
			t.Fatalf("bit flipped at %d: %d events and no error", at, n)
		} else if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit flipped at %d: error %v is not ErrCorrupt", at, err)
		}
	}
	for n := 0; n < len(whole); n += 1009 {
		if _, err := readAll(whole[:n]); err == nil {
			t.Fatalf("cut to %d bytes: no error", n)
		}
	}
}

func FuzzReader(f *testing.F) {
	whole := smallFile(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(whole[len(whole)/2:])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readAll(b) // must return, and neither panic nor take all memory
	})
}

func TestSelectionTakesWhatItSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for range 40 {
		var buf bytes.Buffer
		w, err := NewWriter(&buf, WriterOptions{PageRows: 1 + rng.IntN(200), GroupRows: 1 + rng.IntN(900)})
		if err != nil {
			t.Fatal(err)
		}
		events := randomBatch(rng, w, 1500, 1e18)
		if rng.IntN(2) == 0 { // pages with nothing but transitions can be skipped
			for i := range events.Kind {
				events.Kind[i], events.EndNS[i] = KindGoroutine, 0
			}
		}
		if err := w.Write(events); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(testMeta()); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader("test", bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sel := randomSelection(rng, events)
		want := memoryOf(testMeta(), w, selected(events, sel))
		got := NewMemory(testMeta())
		got.tables = r.tables
		for b, err := range r.Batches(context.Background(), sel) {
			if err != nil {
				t.Fatal(err)
			}
			got.Events.AppendBatch(b, 0, b.Len())
		}
		compareText(t, text(t, got, Selection{}), text(t, want, Selection{}))
	}
}

func randomSelection(rng *rand.Rand, b *Batch) Selection {
	var sel Selection
	first, last := b.TimeNS[0], b.TimeNS[b.Len()-1]
	if rng.IntN(3) > 0 {
		sel.FromNS = first + rng.Int64N(last-first)
	}
	if rng.IntN(3) > 0 {
		sel.UntilNS = max(first, sel.FromNS) + rng.Int64N(last-first)/4
	}
	if rng.IntN(2) == 0 {
		for range rng.IntN(4) {
			if g := b.GoID[rng.IntN(b.Len())]; g != NoGoroutine {
				sel.Goroutines = append(sel.Goroutines, g)
			}
		}
	}
	if rng.IntN(3) == 0 {
		sel.PIDs = []int32{b.PID[rng.IntN(b.Len())]}
	}
	return sel
}

// selected is the events of b that sel's documentation says are selected.
func selected(b *Batch, sel Selection) *Batch {
	out := new(Batch)
	for i := range b.TimeNS {
		e := b.At(i)
		lasts := e.Kind == KindRange || e.Kind == KindGap
		in := e.TimeNS >= sel.FromNS || lasts && e.EndNS > sel.FromNS
		if sel.UntilNS != 0 && e.TimeNS >= sel.UntilNS {
			in = false
		}
		if sel.Goroutines != nil {
			mine := lasts && e.GoID == NoGoroutine
			for _, g := range sel.Goroutines {
				mine = mine || g == e.GoID
			}
			in = in && mine
		}
		if sel.PIDs != nil && !(lasts && e.PID == Unknown) {
			in = in && slices.Contains(sel.PIDs, e.PID)
		}
		if in {
			out.Append(e)
		}
	}
	return out
}

func TestColumnsNotAskedForAreNil(t *testing.T) {
	b := smallFile(t)
	r, err := NewReader("test", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	sel := Selection{Columns: Columns(ColGoID), FromNS: 1e18 + 1000}
	for batch, err := range r.Batches(context.Background(), sel) {
		if err != nil {
			t.Fatal(err)
		}
		if len(batch.GoID) != batch.Len() || batch.Kind != nil || batch.EndNS != nil || batch.Stack != nil {
			t.Fatalf("columns of lengths %d, %d, %d, %d", len(batch.GoID), len(batch.Kind), len(batch.EndNS),
				len(batch.Stack))
		}
	}
}

func TestReadingStopsWithItsContext(t *testing.T) {
	b := smallFile(t)
	r, err := NewReader("test", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	for _, err := range r.Batches(ctx, Selection{}) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("error %v, want %v", last, context.Canceled)
	}
}

// writeTrace writes a recording of n events that begins at a time.
func writeTrace(t *testing.T, path, host string, start int64, n int, processes ...Process) {
	t.Helper()
	meta := testMeta()
	meta.Host, meta.StartNS, meta.EndNS = host, start, start+1e9
	if processes != nil {
		meta.Processes = processes
	}
	rec, err := Create(path, meta, RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Write(randomBatch(rand.New(rand.NewPCG(1, uint64(start))), rec, n, start)); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(meta); err != nil {
		t.Fatal(err)
	}
}

func TestOpenPutsFilesTogether(t *testing.T) {
	dir := t.TempDir()
	p := func(name string) string { return filepath.Join(dir, name) }
	writeTrace(t, p("a.parquet"), "h1", 1e18, 100)
	writeTrace(t, p("b.parquet"), "h1", 1e18+2e9, 100)
	writeTrace(t, p("same-time.parquet"), "h1", 1e18+5e8, 100)
	writeTrace(t, p("other-host.parquet"), "h2", 1e18+4e9, 100)
	server := Process{PID: 1, Executable: "/bin/server", BuildID: "s1"}
	restarted, rebuilt, unknown := server, server, server
	restarted.PID, rebuilt.BuildID, unknown.BuildID = 2, "s2", ""
	worker := Process{PID: 3, Executable: "/bin/worker"}
	writeTrace(t, p("server.parquet"), "h1", 1e18, 100, server)
	writeTrace(t, p("restarted.parquet"), "h1", 1e18+2e9, 100, restarted)
	writeTrace(t, p("rebuilt.parquet"), "h1", 1e18+2e9, 100, rebuilt)
	writeTrace(t, p("unknown.parquet"), "h1", 1e18+2e9, 100, unknown)
	writeTrace(t, p("worker.parquet"), "h1", 1e18+2e9, 100, worker)
	writeTrace(t, p("both.parquet"), "h1", 1e18+2e9, 100, worker, restarted)
	for _, c := range []struct {
		name  string
		paths []string
		rows  int64
		gaps  int
		text  string // of the error
	}{
		{"one file", []string{"a.parquet"}, 100, 0, ""},
		{"recordings that follow each other, in any order", []string{"b.parquet", "a.parquet"}, 200, 1, ""},
		{"a glob", []string{"[ab].parquet"}, 200, 1, ""},
		{"recordings of the same time", []string{"a.parquet", "same-time.parquet"}, 0, 0, "same time"},
		{"recordings of two hosts", []string{"a.parquet", "other-host.parquet"}, 0, 0, "clocks differ"},
		{"a program that was started again", []string{"server.parquet", "restarted.parquet"}, 200, 1, ""},
		{"a program whose build is not known", []string{"server.parquet", "unknown.parquet"}, 200, 1, ""},
		{"a program, and later it and another", []string{"server.parquet", "both.parquet"}, 200, 1, ""},
		{"two programs", []string{"server.parquet", "worker.parquet"}, 0, 0,
			"of /bin/server (build s1) and " + p("worker.parquet") + " of /bin/worker: they are different programs"},
		{"two builds", []string{"server.parquet", "rebuilt.parquet"}, 0, 0, "different programs or builds"},
		{"a file twice", []string{"a.parquet", "a.parquet"}, 0, 0, "same part"},
		{"no such file", []string{"c.parquet"}, 0, 0, "no such file"},
		{"a glob without a match", []string{"c*.parquet"}, 0, 0, "no file matches"},
		{"nothing", nil, 0, 0, "no file given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var paths []string
			for _, name := range c.paths {
				paths = append(paths, p(name))
			}
			r, err := Open(paths...)
			if c.text != "" {
				if err == nil || !strings.Contains(err.Error(), c.text) {
					t.Fatalf("error %v, want one with %q", err, c.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(text(t, r, Selection{}), "between two recordings"); r.Rows() != c.rows ||
				got != c.gaps {
				t.Errorf("%d rows and %d gaps, want %d and %d", r.Rows(), got, c.rows, c.gaps)
			}
		})
	}
}

func TestMissingSegmentsAreGaps(t *testing.T) {
	dir := t.TempDir() + "/"
	rec, err := Create(dir, testMeta(), RecordingOptions{SegmentRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		b := randomBatch(rand.New(rand.NewPCG(1, 2)), rec, 10, 1e18+int64(i)*1e9)
		for k := range b.Kind {
			b.Kind[k] = KindGoroutine
		}
		if err := rec.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	files, err := segmentFiles(dir)
	if err != nil || len(files) < 6 {
		t.Fatalf("%d segments, %v", len(files), err)
	}
	for _, i := range []int{0, 3} {
		if err := os.Remove(files[i]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, r, Selection{})
	if n := strings.Count(got, " gap "); n != 2 || !strings.Contains(got, "segments 4 to 4") ||
		!strings.Contains(got, "segments up to 1") {
		t.Errorf("%d gaps in\n%s", n, got)
	}
}

func TestEveryVersionStaysReadable(t *testing.T) {
	for _, name := range []string{"v1", "v2", "v3", "v4"} {
		path := filepath.Join("testdata", name+".parquet")
		if *update {
			if _, err := os.Stat(path); err == nil {
				continue // a released file is never written again
			}
			if err := os.WriteFile(path, smallFile(t), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join("testdata", name+".txt"), []byte(text(t, r, Selection{})),
				0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		compareText(t, text(t, r, Selection{}), string(want))
	}
}

// countingReaderAt counts the bytes that are read.
type countingReaderAt struct {
	*bytes.Reader
	n int64
}

func (c *countingReaderAt) ReadAt(b []byte, off int64) (int, error) {
	c.n += int64(len(b))
	return c.Reader.ReadAt(b, off)
}

func TestSelectionReadsLittle(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewWriter(&buf, WriterOptions{PageRows: 1000, GroupRows: 10000})
	if err != nil {
		t.Fatal(err)
	}
	b := new(Batch)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range int64(100_000) { // goroutines come one after the other
		b.Append(Event{TimeNS: 1e18 + i*100 + rng.Int64N(100), GoID: GoID(1 + i/500), From: State(1 + rng.IntN(5)),
			To: StateRunning, TID: rng.Int32N(100), ByGoID: GoID(rng.Int64N(1e5))})
	}
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		sel  Selection
		rows int
		part float64 // of the file's bytes at most
	}{
		{"everything", Selection{}, 100_000, 2},
		{"a hundredth of the time", Selection{FromNS: 1e18 + 5e6, UntilNS: 1e18 + 51e5}, 1000, 0.2},
		{"one goroutine", Selection{Goroutines: []GoID{77}}, 500, 0.2},
		{"a goroutine that is not there", Selection{Goroutines: []GoID{12345}}, 0, 0.2},
		{"one small column", Selection{Columns: Columns(ColFrom)}, 100_000, 0.6},
	} {
		t.Run(c.name, func(t *testing.T) {
			counted := &countingReaderAt{Reader: bytes.NewReader(buf.Bytes())}
			r, err := NewReader("test", counted, int64(buf.Len()))
			if err != nil {
				t.Fatal(err)
			}
			c.sel.Workers = 1
			rows := 0
			for batch, err := range r.Batches(context.Background(), c.sel) {
				if err != nil {
					t.Fatal(err)
				}
				rows += batch.Len()
			}
			if part := float64(counted.n) / float64(buf.Len()); rows != c.rows || part > c.part {
				t.Errorf("%d rows from %.2f of the file, want %d from %.2f", rows, part, c.rows, c.part)
			}
		})
	}
}

// TestColumnsOfLaterVersionsAreNull reads a file without the column object: it is as long as the
// others, and null.
func TestColumnsOfLaterVersionsAreNull(t *testing.T) {
	r, err := Open(filepath.Join("testdata", "v2.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range r.Batches(t.Context(), Selection{Columns: Columns(ColKind, ColObject)}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Object) != b.Len() || slices.ContainsFunc(b.Object, func(o int64) bool { return o != 0 }) {
			t.Fatalf("%d of %d events have an object: %v", len(b.Object), b.Len(), b.Object)
		}
	}
}
