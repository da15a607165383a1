package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/internal/testenv"
)

// leaks says where the goroutines stand that each case of testdata/progs/leaks leaves behind: at
// each place one out of so many that it counts.
var leaks = []struct {
	name   string
	outOf  int64
	places []string
}{
	{"body-not-closed", 2, []string{"net/http.(*persistConn).readLoop"}},
	{"cond-no-signal", 1, []string{"main.(*gate).pass"}},
	{"context-not-cancelled", 1, []string{"main.(*connection).cleanUp"}},
	{"first-error", 2, []string{"main.readRows", "main.copyRows"}},
	{"forgotten-receiver", 1, []string{"main.query"}},
	{"forgotten-sender", 1, []string{"main.report"}},
	{"missing-done", 1, []string{"main.gather"}},
	{"mutex-not-unlocked", 1, []string{"main.(*account).pay"}},
	{"nil-channel", 1, []string{"main.(*client).waitClosed"}},
	{"pool-not-closed", 1, []string{"main.square"}},
	{"select-no-exit", 1, []string{"main.(*feed).follow"}},
	{"ticker-not-stopped", 1, []string{"main.refresh"}},
}

var wellBehaved = []string{
	"batch", "chat", "cond-queue", "conn-pool", "fan-out", "growing-pool", "idle-pool", "janitor", "keep-alive",
	"long-poll", "pipeline", "pubsub", "select-main", "signals", "ticker-loops",
}

// TestPlantedLeaksAreFound records programs that leave goroutines behind: those are leaked, all of
// them, and no others.
func TestPlantedLeaksAreFound(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "leaks"})
	for _, c := range leaks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, before, after := verdicts(t, program, c.name)
			for _, place := range c.places {
				found := leakedAt(t, r, place)
				if found <= before/c.outOf || found > after/c.outOf+1 {
					t.Errorf("%d are leaked in %s; want more than %d and at most %d", found, place, before/c.outOf,
						after/c.outOf+1)
				}
			}
			for _, g := range r.Groups {
				if g.Verdict == goroutines.Leaked && !standsInAny(&g, c.places) {
					t.Errorf("leaked is said of %s", groupText(&g))
				}
			}
		})
	}
}

// TestNothingLeaksInWellBehavedPrograms records programs whose goroutines wait for long and are
// needed.
func TestNothingLeaksInWellBehavedPrograms(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "wellbehaved"})
	for _, name := range wellBehaved {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, _ := verdicts(t, program, name)
			if len(r.Groups) < 2 {
				t.Errorf("there are %d groups; want main's and others", len(r.Groups))
			}
			for _, g := range r.Groups {
				if g.Verdict == goroutines.Leaked || g.Verdict == goroutines.Stuck {
					t.Errorf("it has %s", groupText(&g))
				}
			}
		})
	}
}

// leakedAt counts the goroutines that are leaked at a place, and fails where others wait there. Who
// sleeps on the way there is not lost yet.
func leakedAt(t *testing.T, r *goroutines.Result, place string) (n int64) {
	for _, g := range r.Groups {
		switch {
		case !standsIn(&g, place):
		case g.Verdict == goroutines.Leaked:
			n += g.Count
		case g.State == "waiting" && g.Class != "timer" && g.Class != "network":
			t.Errorf("no leak: %s", groupText(&g))
		}
	}
	return n
}

func standsInAny(g *goroutines.Group, places []string) bool {
	for _, place := range places {
		if standsIn(g, place) {
			return true
		}
	}
	return false
}

// standsIn says whether a function is one of the group's stack.
func standsIn(g *goroutines.Group, function string) bool {
	for _, frame := range strings.Split(g.Stack, ";") {
		if strings.HasPrefix(frame, function+" ") {
			return true
		}
	}
	return false
}

func groupText(g *goroutines.Group) string {
	return fmt.Sprintf("%d of %s, %s %s (%d created, %d ended, woken %d times): %q, because %s\n%s",
		g.Count, g.Entry, g.State, g.Reason, g.Created, g.Ended, g.Woken, g.Verdict, g.Evidence,
		strings.ReplaceAll(g.Stack, ";", "\n"))
}

// verdicts records two seconds of a case at work. What the program counts is that before and after
// the recording.
func verdicts(t *testing.T, program, name string) (r *goroutines.Result, before, after int64) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace.parquet")
	c := startCase(t, program, name)
	for deadline := time.Now().Add(20 * time.Second); before < 3; before = c.count(t) {
		if time.Now().After(deadline) {
			t.Fatal("it does nothing")
		}
		time.Sleep(20 * time.Millisecond)
	}
	printed(t, "record", "-p", strconv.Itoa(c.cmd.Process.Pid), "-d", "2s", "-o", trace)
	after = c.count(t)
	if err := c.end(); err != nil {
		t.Errorf("it ended: %v", err)
	}
	r = new(goroutines.Result)
	if err := json.Unmarshal(printed(t, "goroutines", "--json", trace), r); err != nil {
		t.Fatal(err)
	}
	return r, before, after
}

// printed runs gosched and returns what it prints.
func printed(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Gosched(t), args...)
	var notes strings.Builder
	cmd.Stderr = &notes
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, notes.String())
	}
	return out
}

// residentCase is a program that runs a case until its input ends, and says a number for each line
// of it.
type residentCase struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startCase(t *testing.T, program, name string) *residentCase {
	t.Helper()
	cmd := exec.Command(program, "-case", name)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &residentCase{cmd, in, bufio.NewScanner(out)}
}

func (c *residentCase) count(t *testing.T) int64 {
	t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		t.Fatal(err)
	}
	c.out.Scan()
	n, err := strconv.ParseInt(c.out.Text(), 10, 64)
	if err != nil {
		t.Fatalf("the count: %v (%v)", err, c.out.Err())
	}
	return n
}

// end closes the input and waits.
func (c *residentCase) end() error {
	c.in.Close()
	for c.out.Scan() {
	}
	return c.cmd.Wait()
}
