package referee

import (
	"path/filepath"
	"testing"

	"github.com/gosched/gosched/format"
)

func TestStacksAreParsed(t *testing.T) {
	for text, want := range map[string]string{
		"main.main /m.go:3": "main.main:3",
		"runtime.goexit /a.s:17;main.f /with space/m.go:300": "runtime.goexit:17 > main.f:300",
		"main.f[...] /m.go:1;main.(*T[...]).g.func1 /m.go:2": "main.f[...]:1 > main.(*T[...]).g.func1:2",
	} {
		s, err := parseStack(text)
		if err != nil || s.String() != want {
			t.Errorf("%q is %q, %v, want %q", text, s, err, want)
		}
	}
	for _, text := range []string{"main.main /m.go", "main.main:3", "x /m.go:1;"} {
		if s, err := parseStack(text); err == nil {
			t.Errorf("%q is taken for %q", text, s)
		}
	}
}

// TestOursIsReadFromAFile writes the moves of one goroutine as the recorder does and reads them
// back.
func TestOursIsReadFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.parquet")
	meta := format.Metadata{SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, ClockOffsetNS: 1000,
		StartNS: 1, EndNS: 9000, Lost: 7, MaxStackDepth: 64,
		Processes: []format.Process{{PID: 1, Coverage: format.FullCoverage()}}}
	rec, err := format.Create(path, meta, format.RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stack := rec.Stacks().Intern("runtime.goexit /a.s:1;main.f /m.go:2;runtime.gopark /p.go:3")
	goroutine := func(t int64, from, to format.State, reason string) format.Event {
		return format.Event{TimeNS: t, Kind: format.KindGoroutine, PID: 1, TID: 2, CPU: 3, Proc: 0, GoID: 5,
			From: from, To: to, Reason: rec.Reasons().Intern(reason)}
	}
	parked := goroutine(2000, format.StateRunning, format.StateWaiting, "chan send")
	parked.Stack = stack
	woken := goroutine(2001, format.StateWaiting, format.StateRunnable, "")
	woken.ByGoID = 4
	var b format.Batch
	for _, e := range []format.Event{
		parked,
		woken,
		goroutine(2002, format.StateRunnable, format.StateRunning, ""),
		goroutine(2003, format.StateRunning, format.StateSyscall, "read"),
		goroutine(2004, format.StateSyscall, format.StateRunning, ""),
		goroutine(2005, format.StateRunning, format.StateRunnable, format.ReasonSyscallExit.String()),
		{TimeNS: 3000, EndNS: 4000, Kind: format.KindGap, PID: 1, TID: -1, CPU: -1, Proc: -1,
			Reason: rec.Reasons().Intern("lost")},
	} {
		b.Append(e)
	}
	if err := rec.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(meta); err != nil {
		t.Fatal(err)
	}
	got, err := ReadOurs(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	checkRead(t, got)
}

func checkRead(t *testing.T, got *Recording) {
	t.Helper()
	want := []string{
		`1000 running→waiting "chan send" thread 2 at runtime.goexit:1 > main.f:2 > runtime.gopark:3`,
		`1001 waiting→runnable by g4 thread 2`,
		`1002 runnable→running thread 2`,
		`1003 running→syscall thread 2`,
		`1004 syscall→runnable thread 2`,
	}
	moves := got.Moves[5]
	if len(moves) != len(want) {
		t.Fatalf("%d moves, want %d", len(moves), len(want))
	}
	for i := range want {
		if s := moves[i].String(); s != want[i] {
			t.Errorf("move %d is %s, want %s", i, s, want[i])
		}
	}
	if got.Lost != 7 || got.Depth != 64 || len(got.Gaps) != 1 || got.Gaps[0] != (Gap{2000, 3000, "lost"}) {
		t.Errorf("lost %d, depth %d, gaps %v", got.Lost, got.Depth, got.Gaps)
	}
	if got.Differences[ExitInTwoSteps] != 1 {
		t.Errorf("a system call's end in two steps was met %d times, want once", got.Differences[ExitInTwoSteps])
	}
}
