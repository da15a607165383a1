package summary_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// accountCases are cases of testdata/progs/diagnose whose delays and waits are of different sorts.
var accountCases = []string{"fsync-under-lock", "cpu-contention", "gc-assist", "log-pipe"}

// TestAccountsOfPrograms compares the commands on recordings of programs with one cause each, and
// of a server.
func TestAccountsOfPrograms(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "diagnose"})
	for _, name := range accountCases {
		t.Run(name, func(t *testing.T) {
			newAccount(t, recordedFor(t, "", "--", program, "-case", name)).agree(t)
		})
	}
	t.Run("NATS", func(t *testing.T) {
		dir := t.TempDir()
		server := exec.Command(demo(t, dir, "github.com/nats-io/nats-server/v2"), "-a", "127.0.0.1", "-p", "-1",
			"--ports_file_dir", dir)
		load := demo(t, dir, "./load")
		pid := strconv.Itoa(testenv.Start(t, server).PID())
		ports := filepath.Join(dir, filepath.Base(server.Path)+"_"+pid+".ports")
		testenv.Start(t, exec.Command(load, "-ports", ports, "-d", "4s"))
		newAccount(t, recordedFor(t, "2s", "-p", pid)).agree(t)
	})
}

// demo builds a program of testdata/demo, which the Go module proxy has to have.
func demo(t *testing.T, dir, pkg string) string {
	t.Helper()
	out := filepath.Join(dir, filepath.Base(pkg)+"-of-demo")
	build := exec.Command("go", "build", "-o", out, pkg)
	build.Dir = filepath.Join(testenv.Root(t), "testdata", "demo")
	if text, err := build.CombinedOutput(); err != nil {
		t.Skipf("%s cannot be built here: %v\n%s", pkg, err, text)
	}
	return out
}

// recordedFor records a command to its end, or a process for a time.
func recordedFor(t *testing.T, duration string, what ...string) format.Trace {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace.parquet")
	args := []string{"record", "-o", out}
	if duration != "" {
		args = append(args, "-d", duration)
	}
	if text, err := exec.Command(testenv.Gosched(t), append(args, what...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
