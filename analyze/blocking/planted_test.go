package blocking_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// planted says what each case of testdata/progs/planted is for: the kinds that its cause may be,
// and what must be named.
var planted = []struct {
	name  string
	kinds []blocking.Kind
	names []string // the function, or who took the CPU
	call  string   // a part of the system call's name
}{
	{"unpreempted", []blocking.Kind{blocking.KindQueued}, []string{"main.burn"}, ""},
	{"busy-loop", []blocking.Kind{blocking.KindQueued}, []string{"main.spin"}, ""},
	{"cond-producer", []blocking.Kind{blocking.KindRunning}, []string{"main.(*condQueue).produce"}, ""},
	{"cpu-hog", []blocking.Kind{blocking.KindOffCPU}, []string{"hog"}, ""},
	{"dispatcher", []blocking.Kind{blocking.KindRunning}, []string{"main.dispatch"}, ""},
	{"exec-under-lock", []blocking.Kind{blocking.KindSyscall}, []string{"os/exec.(*Cmd).Wait"}, "wait"},
	{"fsync-under-lock", []blocking.Kind{blocking.KindSyscall}, []string{"main.(*journal).append"}, "fsync"},
	{"limiter", []blocking.Kind{blocking.KindTimer}, []string{"main.refill"}, ""},
	{"log-pipe", []blocking.Kind{blocking.KindSyscall}, []string{"main.(*logger).print"}, "write"},
	{"nested-locks", []blocking.Kind{blocking.KindRunning}, []string{"main.(*nest).inner"}, ""},
	{"pipeline", []blocking.Kind{blocking.KindRunning}, []string{"main.stageThree"}, ""},
	{"remote-slow", []blocking.Kind{blocking.KindNetwork}, []string{"main.(*remote).readLoop"}, ""},
	{"semaphore", []blocking.Kind{blocking.KindSyscall}, []string{"main.fetch"}, "read"},
	{"singleflight", []blocking.Kind{blocking.KindSyscall}, []string{"main.fetch"}, "read"},
	{"sleep-under-lock", []blocking.Kind{blocking.KindTimer}, []string{"main.sleepyHolder"}, ""},
	{"slow-consumer", []blocking.Kind{blocking.KindRunning}, []string{"main.consume"}, ""},
	{"slow-reader", []blocking.Kind{blocking.KindRunning}, []string{"main.(*table).scan"}, ""},
	{"straggler", []blocking.Kind{blocking.KindRunning}, []string{"main.slow"}, ""},
	{"three-hops", []blocking.Kind{blocking.KindRunning}, []string{"main.lastHop"}, ""},
	{"gc-assist", []blocking.Kind{blocking.KindGC}, []string{"marking"}, ""},
}

// TestThePlantedCauseComesFirst records programs each of which makes its goroutines wait for one
// thing.
func TestThePlantedCauseComesFirst(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "planted"})
	for _, c := range planted {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "unpreempted" {
				t.Setenv("GODEBUG", "asyncpreemptoff=1")
			}
			for range attempts {
				r := blocked(t, recorded(t, program, "-case", c.name))
				causes, noise := ownCauses(r, c.names)
				first := causes[0]
				if slices.Contains(c.kinds, first.Kind) && slices.Contains(c.names, first.Name) &&
					strings.Contains(first.Syscall, c.call) {
					return
				}
				t.Logf("%.0f%% of the time others had the CPU; the first causes are", 100*noise)
				for i := range causes[:min(4, len(causes))] {
					t.Log(causeText(&causes[i]))
				}
			}
			t.Errorf("none of %d recordings names %v %v %s first", attempts, c.kinds, c.names, c.call)
		})
	}
}

// attempts are how often a case may be recorded: where other processes want the CPUs a program does
// not do what it was made for.
const attempts = 3

// ownCauses leaves out, unless they are looked for, the processes that happened to run beside,
// which are true causes and not planted ones.
func ownCauses(r *blocking.Result, planted []string) (causes []blocking.Cause, noise float64) {
	for _, c := range r.Causes {
		if c.Kind == blocking.KindOffCPU && !slices.Contains(planted, c.Name) {
			noise += c.Share
			continue
		}
		causes = append(causes, c)
	}
	return causes, noise
}

func causeText(c *blocking.Cause) string {
	return fmt.Sprintf("%s %q %s: %d ms of goroutines, %.1f%%", c.Kind, c.Name, c.Syscall, c.BlockedNS/1e6, 100*c.Share)
}

// recorded is a recording of a whole run of a program.
func recorded(t *testing.T, command ...string) format.Trace {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "trace.parquet")
	cmd := exec.Command(testenv.Gosched(t), append([]string{"record", "-o", out, "--"}, command...)...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func blocked(t *testing.T, trace format.Trace) *blocking.Result {
	t.Helper()
	p, finish := blocking.NewAudited(t)
	sum, err := replay.Run(context.Background(), trace, p)
	if err != nil {
		t.Fatal(err)
	}
	finish()
	if sum.Counts.Total() != 0 {
		t.Errorf("the trace contradicts the scheduler model: %+v", sum.Problems)
	}
	r := p.Result(sum)
	if len(r.Causes) == 0 {
		t.Fatal("there is no cause")
	}
	return r
}
