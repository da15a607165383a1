package descriptor

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// start starts the program with goroutines that wait, and says what it says of them.
func start(tb testing.TB, p testenv.Program, args ...string) (*testenv.Running, map[string]bool) {
	tb.Helper()
	p.Name = "descriptors"
	run := testenv.Start(tb, exec.Command(testenv.Build(tb, p), args...))
	said := map[string]bool{}
	for line := run.Line(tb); line != "."; line = run.Line(tb) {
		said[line] = true
	}
	return run, said
}

// lookAt opens a process.
func lookAt(tb testing.TB, pid int) (*Looker, *target.Process) {
	tb.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { proc.Close() })
	binary, err := gobin.Open(proc.Exe())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { binary.Close() })
	layout, err := binary.Layout()
	if err != nil {
		tb.Fatal(err)
	}
	reasons, err := binary.WaitReasons()
	if err != nil {
		tb.Fatal(err)
	}
	began := time.Now()
	return New(Source{
		Process: proc, Layout: &layout, WaitReason: slices.Index(reasons, "IO wait"),
		Now: func() int64 { return int64(time.Since(began)) },
	}), proc
}

// seen are the sightings of some looks, as the program says what it waits for. What it does not
// know of the threads in system calls is left out.
func seen(tb testing.TB, l *Looker, looks int) map[string]bool {
	tb.Helper()
	all := map[string]bool{}
	for range looks {
		sightings, err := l.Look()
		if err != nil {
			tb.Fatal(err)
		}
		for _, s := range sightings {
			all[fmt.Sprint(s.GoID, " ", s.FD, " ", s.What)] = true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return all
}

// anonymous takes the goroutine off a line.
func anonymous(line string) string {
	_, rest, _ := strings.Cut(line, " ")
	return "0 " + rest
}

func TestEveryKindOfDescriptorIsTold(t *testing.T) {
	for _, toolchain := range testenv.Toolchains {
		t.Run(toolchain, func(t *testing.T) {
			run, said := start(t, testenv.Program{Toolchain: toolchain})
			l, _ := lookAt(t, run.PID())
			found := seen(t, l, 40)
			for line := range said {
				if !found[line] && !found[anonymous(line)] {
					t.Errorf("not told: %s", line)
				}
			}
			for line := range found {
				stdin := strings.Contains(line, " 0 pipe:[") // which it reads until it ends
				if !said[line] && !stdin && !strings.HasPrefix(line, "0 ") {
					t.Errorf("told and not so: %s", line)
				}
			}
			if t.Failed() {
				t.Log(found)
			}
		})
	}
}
