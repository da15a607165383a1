package record_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// startBrief starts testdata/progs/brief, with as many goroutines that wait.
func startBrief(tb testing.TB, p testenv.Program, waiting int) (pid int, answered func() int64) {
	tb.Helper()
	p.Name = "brief"
	cmd := exec.Command(testenv.Build(tb, p), "-waiting", strconv.Itoa(waiting))
	server := testenv.Start(tb, cmd)
	tb.Cleanup(func() {
		if err := server.End(); err != nil {
			tb.Errorf("the server: %v", err)
		}
	})
	answered = func() (n int64) {
		n, err := strconv.ParseInt(server.Ask(tb, ""), 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
	for answered() == 0 {
		time.Sleep(time.Millisecond)
	}
	return server.PID(), answered
}

// burden keeps every CPU busy until the test ends, so that the kernel takes CPUs away in the middle
// of moves.
func burden(tb testing.TB) {
	for range 2 {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		})
	}
}

// life is what a trace says of one goroutine so far.
type life struct {
	state format.State
	since int64
}

// lives are what a trace says of all goroutines, every row of it believed. One that is found
// running without having begun to in the trace has run since the recording began.
type lives struct {
	of      map[format.GoID]*life
	ghosts  int         // rows of goroutines that have ended
	ghost   format.GoID // one of them
	lost    bool        // there are gaps
	running time.Duration
	lasted  time.Duration
}

func audit(t *testing.T, path string) *lives {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := trace.Metadata()
	a := &lives{of: map[format.GoID]*life{}, lasted: time.Duration(meta.EndNS - meta.StartNS)}
	for b, err := range trace.Batches(t.Context(), format.Selection{Columns: format.AllColumns}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			a.row(&e, meta.StartNS)
		}
	}
	for _, g := range a.of {
		g.move(a, format.StateUnknown, meta.EndNS)
	}
	return a
}

func (a *lives) row(e *format.Event, start int64) {
	a.lost = a.lost || e.Kind == format.KindGap
	if e.Kind != format.KindGoroutine && e.Kind != format.KindSnapshot {
		return
	}
	g := a.of[e.GoID]
	switch {
	case g == nil && e.Kind == format.KindSnapshot:
		g = &life{e.To, start}
	case g == nil:
		g = &life{e.From, start}
	case g.state == format.StateNotExist:
		a.ghosts++
		a.ghost = e.GoID
	}
	a.of[e.GoID] = g
	g.move(a, e.To, e.TimeNS)
}

func (g *life) move(a *lives, to format.State, at int64) {
	if g.state == to {
		return
	}
	if g.state == format.StateRunning {
		a.running += time.Duration(at - g.since)
	}
	g.state, g.since = to, at
}

// TestNoGoroutineIsFoundAfterItsEnd records a busy server many times for a moment each: whatever
// its memory showed, no row is of a goroutine that has ended, and goroutines never run for longer
// than there are Ps.
func TestNoGoroutineIsFoundAfterItsEnd(t *testing.T) {
	testenv.RequireBPF(t)
	for _, c := range []struct {
		name              string
		program           testenv.Program
		without           []format.Transition
		recordings, short int
	}{
		{"as it is", testenv.Program{}, nil, 100, 4},
		{"creations are not recorded", testenv.Program{}, []format.Transition{format.TransitionCreate}, 10, 1},
		{"ids come late", testenv.Program{Toolchain: "go1.22.12"}, nil, 10, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			pid, answered := startBrief(t, c.program, 0)
			burden(t)
			out := filepath.Join(t.TempDir(), "t.parquet")
			for range map[bool]int{false: c.recordings, true: c.short}[testing.Short()] {
				before := answered()
				opts := record.Options{Output: out, Duration: 100 * time.Millisecond, Without: c.without}
				sum := recordPID(t, pid, opts)
				if answered() == before {
					t.Fatal("the server did nothing meanwhile: this test cannot fail")
				}
				judgeLives(t, out, sum)
				if err := os.Remove(out); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// judgeLives looks for goroutines that ran when they cannot have.
func judgeLives(t *testing.T, path string, sum *record.Summary) {
	t.Helper()
	a := audit(t, path)
	switch procs := time.Duration(sum.Metadata.Processes[0].GOMAXPROCS); {
	case a.lost:
		t.Log("events were lost: a busy machine")
	case a.ghosts > 0:
		t.Errorf("%d rows of goroutines that had ended, as of %d", a.ghosts, a.ghost)
	case a.running > procs*a.lasted:
		t.Errorf("goroutines ran for %v on %d Ps in %v", a.running, procs, a.lasted)
	case a.running == 0:
		t.Error("nothing ran: this test cannot fail")
	}
}

// recordPID records a process until the recording ends by itself.
func recordPID(t *testing.T, pid int, opts record.Options) *record.Summary {
	t.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	sum, err := record.Record(t.Context(), opts, proc)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestManyGoroutinesCostNeitherTimeNorMemory records a process with a million goroutines for two
// seconds, which is less than it takes to read them all from memory.
func TestManyGoroutinesCostNeitherTimeNorMemory(t *testing.T) {
	testenv.RequireBPF(t)
	waiting := 1_000_000
	if testing.Short() {
		waiting = 100_000
	}
	const duration, mostMiB = 2 * time.Second, 320
	pid, _ := startBrief(t, testenv.Program{}, waiting)
	out := filepath.Join(t.TempDir(), "t.parquet")
	cmd := exec.Command(testenv.Gosched(t), "record", "-p", strconv.Itoa(pid), "-d", duration.String(), "-o", out)
	rss := mostMemory(t, cmd) >> 10
	if rss > mostMiB {
		t.Errorf("the recorder took %d MiB, more than %d", rss, mostMiB)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	meta := trace.Metadata()
	lasted := time.Duration(meta.EndNS - meta.StartNS)
	t.Logf("recorded for %v with %d MiB", lasted, rss)
	if lasted < duration || lasted > duration+slack {
		t.Errorf("it was recorded for %v, not for %v", lasted, duration)
	}
	if len(meta.Snapshots) != 2 || meta.Snapshots[0].AtEnd || !meta.Snapshots[1].AtEnd {
		t.Fatalf("snapshots are %+v", meta.Snapshots)
	}
	for _, s := range meta.Snapshots {
		t.Logf("%v: %d goroutines, up to %d not read", time.Duration(s.EndNS-s.BeginNS), s.Goroutines, s.Unread)
		if s.Goroutines == 0 || s.Goroutines+s.Unread < int64(waiting) {
			t.Errorf("%d goroutines were read and %d not, of more than %d", s.Goroutines, s.Unread, waiting)
		}
	}
	if rows := snapshotRows(t, trace); int64(rows) > meta.Snapshots[0].Goroutines+meta.Snapshots[1].Goroutines {
		t.Errorf("%d rows of %+v", rows, meta.Snapshots)
	}
}

// mostMemory runs a command and tells the most memory in KiB that it had, which its status says while it
// runs: what the kernel tells at its end counts the test's own memory from before the command began.
func mostMemory(t *testing.T, cmd *exec.Cmd) (most int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil || most == 0 {
				t.Fatalf("with %d KiB: %v: %s", most, err, &out)
			}
			return most
		case <-time.After(20 * time.Millisecond):
		}
		status, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status") // nothing once it has ended
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			kib, _, _ := strings.Cut(after, " kB")
			if n, err := strconv.Atoi(strings.TrimSpace(kib)); err == nil {
				most = max(most, n)
			}
		}
	}
}

func snapshotRows(t *testing.T, trace format.Trace) (n int) {
	t.Helper()
	for b, err := range trace.Batches(t.Context(), format.Selection{Columns: format.Columns(format.ColKind)}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range b.Kind {
			if kind == format.KindSnapshot {
				n++
			}
		}
	}
	return n
}
