package findings_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// live says of each case of testdata/progs/findings which rule must find it, none for those that
// only look alike. What else may be found is true of the case too, or of the machine that it runs
// on.
var live = []struct {
	name, env, want string
	may             []string
}{
	{"lock-convoy", "", "lock-convoy", nil},
	{"lock-busy-but-fine", "", "", nil},
	{"fan-in", "", "fan-in", []string{"hog"}},
	{"fan-in-kept-up", "", "", nil},
	{"thundering-herd", "", "thundering-herd", nil},
	{"start-signal", "", "", nil},
	{"timer-storm", "", "timer-storm", nil},
	{"few-timers", "", "", nil},
	{"goroutine-growth", "", "goroutine-growth", nil},
	{"pool-filled-once", "", "", nil},
	{"leak", "", "leak", nil},
	{"workers-without-work", "", "", nil},
	{"stop-the-world", "", "stop-the-world", nil},
	{"few-stops", "", "", nil},
	{"hog", "", "hog", nil},
	{"long-runs-alone", "", "", nil},
	{"long-run", "GODEBUG=asyncpreemptoff=1", "long-run", nil},
	{"cpu-busy", "", "", nil},
	{"cpu-contention", "", "cpu-contention", nil},
	{"gc-assist", "", "gc-assist", nil},
	{"gc-that-keeps-up", "", "", nil},
	{"syscall-handoff", "", "syscall-handoff", []string{"hog"}},
	{"syscalls-alone", "", "", nil},
	{"idle-server", "", "", nil},
}

// lowSeverity is what a busy machine may add to any case.
const lowSeverity = 20

func TestRulesFindWhatProgramsDo(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "findings"})
	for _, c := range live {
		t.Run(c.name, func(t *testing.T) {
			judge(t, c.want, c.may, func() *findings.Result {
				return found(t, recorded(t, c.env, "--", program, "-case",
					c.name))
			})
		})
	}
}

// attempts is how often a program is recorded before a finding counts as wrong: what a busy machine
// does to it is there one time and not the next.
const attempts = 3

// judge wants one recording with a rule among the findings, and no other of weight except those
// that may be.
func judge(t *testing.T, want string, may []string, record func() *findings.Result) {
	t.Helper()
	var wrong []string
	for range attempts {
		if wrong = misjudged(record(), want, may); len(wrong) == 0 {
			return
		}
	}
	t.Errorf("%d times in a row, in the end: %s", attempts, strings.Join(wrong, "; "))
}

// misjudged is what is wrong with the findings.
func misjudged(r *findings.Result, want string, may []string) (wrong []string) {
	if !slices.ContainsFunc(r.Findings, func(f findings.Finding) bool {
		return f.Name == want &&
			(want != "cpu-contention" || ownRivals(f))
	}) && want != "" {
		wrong = append(wrong, want+" was not found")
	}
	for _, f := range r.Findings {
		if f.Name == "cpu-contention" && !ownRivals(f) {
			continue // true of the machine, whatever the program does
		}
		if f.Name != want && !slices.Contains(may, f.Name) && f.Severity > lowSeverity {
			wrong = append(wrong, fmt.Sprintf("%s was found, %d: %s", f.Name, f.Severity, f.Evidence))
		}
	}
	return wrong
}

// ownRivals says whether the processes that take the CPUs are those that the program started, or
// the program itself.
func ownRivals(f findings.Finding) bool {
	return strings.Contains(f.Evidence[0], "rival (") || strings.Contains(f.Evidence[0], "findings (")
}

// recorded is a recording by gosched record with these arguments.
func recorded(t *testing.T, env string, args ...string) format.Trace {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "trace.parquet")
	cmd := exec.Command(testenv.Gosched(t), append([]string{"record", "-o", out}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// TestTheQuotaIsFoundWhereItStopsTheProcess records a program that wants two CPUs, with half of one
// and with more than there are.
func TestTheQuotaIsFoundWhereItStopsTheProcess(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "findings"})
	for _, c := range []struct {
		name, quotaUS, want string
		may                 []string
	}{
		{"half a CPU", "50000", "cpu-throttled", []string{"procs-over-quota"}},
		{"eight CPUs", "800000", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(program, "-case", "quota", "-repeat", "40")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
			limit(t, cmd.Process.Pid, c.quotaUS)
			record := func() *findings.Result {
				return found(t, recorded(t, "", "-d", "3s", "-p", strconv.Itoa(cmd.Process.Pid)))
			}
			judge(t, c.want, c.may, record)
			if c.want != "" {
				judge(t, "procs-over-quota", []string{c.want}, record)
			}
		})
	}
}

// limit moves a process into a cgroup of its own, which may have so many microseconds of CPU time
// in each 100 ms.
func limit(t *testing.T, pid int, quotaUS string) {
	t.Helper()
	parent, name, value := "/sys/fs/cgroup", "cpu.max", quotaUS+" 100000"
	if _, err := os.Stat("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil {
		parent, name, value = "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", quotaUS
	}
	dir, err := os.MkdirTemp(parent, "gosched-test-")
	if err != nil {
		testenv.Lacking(t, "cgroups cannot be made here: "+err.Error())
	}
	process := strconv.Itoa(pid)
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.procs"), []byte(process), 0)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	for _, file := range [][2]string{{name, value}, {"cgroup.procs", process}} {
		if err := os.WriteFile(filepath.Join(dir, file[0]), []byte(file[1]), 0); err != nil {
			testenv.Lacking(t, "CPU time cannot be limited here: "+err.Error())
		}
	}
}

// TestAServiceUnderModestLoadIsWell records an HTTP server with two clients, whose Ps are not all
// busy.
func TestAServiceUnderModestLoadIsWell(t *testing.T) {
	testenv.RequireBPF(t)
	cmd := exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), "-pingpong=false", "-clients", "2")
	p := testenv.Start(t, cmd)
	judge(t, "", nil, func() *findings.Result {
		return found(t, recorded(t, "", "-d", "2s", "-p", strconv.Itoa(p.PID())))
	})
}
