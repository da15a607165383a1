package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosched/gosched/internal/testenv"
)

// TestLiveScripts runs the scripts that record. Each has a Go service of its own to
// record, stripped, busy with channels and HTTP: $PID, its executable $SERVICE.
func TestLiveScripts(t *testing.T) {
	testenv.RequireBPF(t)
	service := testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.Stripped})
	commands := map[string]func(*testscript.TestScript, bool, []string){"unharmed": unharmed}
	for name, command := range scriptCommands {
		commands[name] = command
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/live", Cmds: commands, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error { return startService(env, service) },
	})
}

// running is a service that a script records.
type running struct {
	in  io.WriteCloser
	out io.Reader
}

func startService(env *testscript.Env, path string) error {
	cmd := exec.Command(path, "-clients", "2")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	env.Defer(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	env.Setenv("PID", strconv.Itoa(cmd.Process.Pid))
	env.Setenv("SERVICE", path)
	env.Values["service"] = &running{in: in, out: out}
	return nil
}

// unharmed checks that the service goes on to work: the work done grows, and it
// checks its own answers. Nothing of a recorder may be left on it.
func unharmed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unharmed")
	}
	s := ts.Value("service").(*running)
	first := s.rounds(ts)
	for s.rounds(ts) <= first {
	}
}

// rounds asks the service how much it has done.
func (s *running) rounds(ts *testscript.TestScript) int64 {
	_, err := io.WriteString(s.in, "\n")
	ts.Check(err)
	var answer [64]byte
	n, err := s.out.Read(answer[:])
	ts.Check(err)
	rounds, err := strconv.ParseInt(strings.Fields(string(answer[:n]))[0], 10, 64)
	ts.Check(err)
	return rounds
}

func TestAnOrdinaryUserIsToldWhatToDo(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root can become another user")
	}
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"record", []string{"record", "-p", strconv.Itoa(os.Getpid())}, []string{
			"of user 0 takes CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE: user 65534 lacks CAP_BPF, CAP_PERFMON and " +
				"CAP_SYS_PTRACE", "To do: run it with sudo"}},
		{"check", []string{"check"}, []string{"cannot be recorded here", "recording takes CAP_BPF and CAP_PERFMON",
			"run it with sudo"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", test.args...)
			cmd.Dir = "/"
			cmd.Env = append(os.Environ(), asNobody+"=1")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			out, err := cmd.CombinedOutput()
			failed, ok := errors.AsType[*exec.ExitError](err)
			if !ok || failed.ExitCode() != exitUnsupported {
				t.Errorf("%v; want exit code %d", err, exitUnsupported)
			}
			text := strings.Join(strings.Fields(string(out)), " ")
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("it says %q; want %q in it", out, want)
				}
			}
		})
	}
}

func TestCredential(t *testing.T) {
	for _, name := range []string{"root", "0"} {
		as, err := credential(name)
		if err != nil || as.UID != 0 || as.GID != 0 {
			t.Errorf("credential(%q) = %+v, %v; want root's", name, as, err)
		}
	}
	if as, err := credential(""); as != nil || err != nil {
		t.Errorf("credential of nobody in particular = %+v, %v; want none", as, err)
	}
	for _, name := range []string{"no user of this name", "4294967294", "-1"} {
		if as, err := credential(name); err == nil {
			t.Errorf("credential(%q) = %+v; want an error", name, as)
		}
	}
}
