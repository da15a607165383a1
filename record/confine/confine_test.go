//go:build linux

package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// confinedEnv in the environment has this test binary give everything up but what is named there,
// and print what it can still do.
const confinedEnv = "GOSCHED_TEST_CONFINED"

var needsByName = map[string]Needs{
	"nothing": {}, "attaching": {Attach: true}, "network": {Network: true},
	"processes that come": {Come: true}, "programs": {Programs: true},
	"signals and handing over": {Signals: true, HandOver: true},
}

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(confinedEnv)
	if !ok {
		os.Exit(m.Run())
	}
	for range 4 { // threads beside the first
		go func() { select {} }()
	}
	held, err := Apply(needsByName[name])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("keeps", strings.Join(held.Names(), " "))
	for _, err := range held.Not {
		fmt.Println("not given up:", err)
	}
	for _, call := range calls {
		if errors.Is(call.do(), unix.EPERM) {
			fmt.Println("refused", call.name)
		}
	}
	statuses, _ := filepath.Glob("/proc/self/task/*/status")
	for _, status := range statuses {
		text, _ := os.ReadFile(status)
		for line := range strings.Lines(string(text)) {
			if slices.Contains([]string{"CapInh:", "CapPrm:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"},
				strings.Fields(line)[0]) {
				fmt.Println("thread", strings.Join(strings.Fields(line), " "))
			}
		}
	}
}

// calls are system calls with arguments that do nothing where they are let through.
var calls = []struct {
	name string
	do   func() error
}{
	{"internet", socket(unix.AF_INET)},
	{"internet v6", socket(unix.AF_INET6)},
	{"packets", socket(unix.AF_PACKET)},
	{"unix sockets", socket(unix.AF_UNIX)},
	{"programs", func() error { return unix.Exec("/nonexistent", nil, nil) }},
	{"writing memory", func() error { _, err := unix.ProcessVMWritev(os.Getpid(), nil, nil, 0); return err }},
	{"tracing", func() error { return unix.PtraceDetach(os.Getpid()) }},
	{"maps", bpf(unix.BPF_MAP_CREATE)},
	{"looking maps up", bpf(unix.BPF_MAP_LOOKUP_ELEM)},
	{"perf events", func() error { _, err := unix.PerfEventOpen(&unix.PerfEventAttr{}, 0, -1, 1<<20, 0); return err }},
	{"mounts", func() error { return unix.Unmount("/nonexistent", 0) }},
}

func socket(family int) func() error {
	return func() error {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
		if err == nil {
			err = unix.Close(fd)
		}
		return err
	}
}

func bpf(command uintptr) func() error {
	return func() error {
		_, _, errno := unix.Syscall(unix.SYS_BPF, command, 0, 0)
		if errno == 0 {
			return nil
		}
		return errno
	}
}

// TestOnlyWhatIsNeededIsLeft looks at every thread, and tries what is refused.
func TestOnlyWhatIsNeededIsLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root has something to give up")
	}
	always := []string{"internet", "internet v6", "packets", "programs", "writing memory", "tracing", "mounts"}
	without := func(list []string, names ...string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(names, s) })
	}
	for _, test := range []struct {
		needs, keeps string
		refused      []string
	}{
		{"nothing", "", append(without(always), "maps", "perf events")},
		{"attaching", "CAP_BPF CAP_DAC_READ_SEARCH CAP_PERFMON CAP_SYS_ADMIN CAP_SYS_PTRACE", always},
		{"processes that come", "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE", append(without(always), "maps", "perf events")},
		{"network", "", append(without(always, "internet", "internet v6", "packets"), "maps", "perf events")},
		{"programs", "", append(without(always, "programs"), "maps", "perf events")},
		{"signals and handing over", "CAP_CHOWN CAP_KILL", append(without(always), "maps", "perf events")},
	} {
		t.Run(test.needs, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), confinedEnv+"="+test.needs)
			raw, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, raw)
			}
			checkConfined(t, string(raw), test.keeps, test.refused)
		})
	}
}

func checkConfined(t *testing.T, text, keeps string, refused []string) {
	t.Helper()
	var bits uint64
	for name := range strings.FieldsSeq(keeps) {
		for c := range target.Capability(64) {
			if c.String() == name {
				bits |= 1 << c
			}
		}
	}
	var said []string
	threads := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "refused "); ok {
			said = append(said, name)
		}
		if status, ok := strings.CutPrefix(line, "thread "); ok {
			threads[status]++
		}
	}
	if !strings.HasPrefix(text, strings.TrimSpace("keeps "+keeps)) || strings.Contains(text, "not given up") {
		t.Errorf("it says\n%s\nwant that it keeps %s", text, keeps)
	}
	for _, name := range refused {
		if !slices.Contains(said, name) {
			t.Errorf("%s is not refused, but %q", name, said)
		}
	}
	for _, let := range []string{"unix sockets", "looking maps up"} {
		if slices.Contains(said, let) {
			t.Errorf("%s is refused", let)
		}
	}
	want := []string{"CapInh: 0000000000000000", "CapAmb: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2",
		fmt.Sprintf("CapPrm: %016x", bits), fmt.Sprintf("CapBnd: %016x", bits)}
	for _, status := range want {
		if n := threads[status]; n < 3 || n != threads[want[0]] {
			t.Errorf("%d threads have %q, of %v", n, status, threads)
		}
	}
	if len(threads) != len(want) {
		t.Errorf("threads differ: %v", threads)
	}
}

// TestATrialDecidesWhatIsKept has something fail without a capability, and something else not.
func TestATrialDecidesWhatIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root has something to try without")
	}
	before, err := ownSets()
	if err != nil {
		t.Fatal(err)
	}
	var also uint64
	onOwnThread(func() {
		also = tried(0, []Trial{
			{target.CapSysAdmin, func() error { return unix.Sethostname(nil) }},
			{target.CapKill, func() error { return unix.Kill(1, 0) }},
			{target.CapChown, func() error { return nil }},
			{target.CapSetUID, func() error { return errors.New("something else") }},
		})
	})
	if want := uint64(1 << target.CapSysAdmin); also != want { // the first process is root's, and so are we
		t.Errorf("it keeps %x; want %x", also, want)
	}
	if after, err := ownSets(); err != nil || after != before {
		t.Errorf("the trial left %v, %v; want %v", after, err, before)
	}
}
