package goroutines_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

var ownGoroutine = regexp.MustCompile(`(?m)^goroutine ([1-9]\d*) `)

// TestASIGQUITDumpOfTheRecordedProcessJoins records a program from its start, which prints its
// goroutines itself, has it end by SIGQUIT, and lays what it prints then beside the trace.
func TestASIGQUITDumpOfTheRecordedProcessJoins(t *testing.T) {
	testenv.RequireBPF(t)
	for _, c := range []struct{ toolchain, traceback string }{
		{"", ""}, {"", "system"}, {"", "crash"}, {"go1.27.4", ""}, {"go1.27.4", "system"}, {"go1.22.12", "system"},
		{"go1.20.14", ""},
	} {
		t.Run(c.toolchain+" "+c.traceback, func(t *testing.T) {
			program := testenv.Build(t, testenv.Program{Name: "still", Toolchain: c.toolchain})
			own, dump, trace := quitted(t, program, c.traceback)
			prof, err := profile.Parse(bytes.NewReader(dump))
			if err != nil {
				t.Fatalf("%v\n%s", err, dump)
			}
			p := goroutines.New()
			sum, err := replay.Run(t.Context(), trace, p)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Result(sum, prof).Profile
			ids := map[string]bool{}
			for _, m := range ownGoroutine.FindAllSubmatch(dump, -1) {
				ids[string(m[1])] = true
			}
			for id := range own {
				if !ids[id] {
					t.Errorf("goroutine %s is not in the dump", id)
				}
			}
			if len(own) < 15 || got.Goroutines != int64(len(ids)) {
				t.Errorf("%d goroutines are read; the process prints %d, and %d before", got.Goroutines, len(ids),
					len(own))
			}
			// of those that run the stack is not known
			if got.Matched != got.Goroutines || got.Strangers != 0 || got.SamePlace < got.Matched-2 {
				t.Errorf("of %d goroutines %d join, %d at the same place, %d may be another process's: %+v",
					got.Goroutines, got.Matched, got.SamePlace, got.Strangers, got.Missing)
			}
		})
	}
}

// quitted records a program. It gives the goroutines that the program names itself, what it printed
// when it got SIGQUIT, and the trace.
func quitted(t *testing.T, program, traceback string) (own map[string]bool, dump []byte, trace format.Trace) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "t.parquet")
	cmd := exec.Command(testenv.Gosched(t), "record", "-o", out, "--", program)
	cmd.Env = append(os.Environ(), "GOTRACEBACK="+traceback)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal, whose signals the program would get by itself
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	own = map[string]bool{}
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "end of dump"; {
		if m := ownGoroutine.FindStringSubmatch(lines.Text()); m != nil {
			own[m[1]] = true
		}
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil { // gosched hands it on
		t.Fatal(err)
	}
	_ = cmd.Wait() // it passes on that the program ended by a signal
	dump = stderr.Bytes()
	if !strings.Contains(stderr.String(), "SIGQUIT: quit") {
		t.Fatalf("no dump:\n%s", dump)
	}
	trace, err = format.Open(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, dump)
	}
	return own, dump, trace
}
