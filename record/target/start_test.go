//go:build linux

package target

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestAChildWaitsBeforeItsFirstInstruction(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	child, err := Start(t.Context(), []string{"sh", "-c", "echo ran"}, StartOptions{Stdout: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if state := statusField(procPath(child.PID(), "status"), "State"); !strings.HasPrefix(state, "t") {
		t.Errorf("state %q; want a tracing stop", state)
	}
	if comm, err := child.Comm(); err != nil || comm != "sh" {
		t.Errorf("Comm() = %q, %v; want sh: it has exec'ed", comm, err)
	}
	for range 2 {
		if err := child.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := io.ReadAll(r); err != nil || string(out) != "ran\n" {
		t.Errorf("output %q, %v", out, err)
	}
	if code, err := child.Wait(); code != 0 || err != nil {
		t.Errorf("Wait() = %d, %v", code, err)
	}
}

func TestWaitGivesTheExitCodeThatAShellGives(t *testing.T) {
	tests := []struct {
		name, script string
		want         int
	}{
		{"success", "exit 0", 0},
		{"failure", "exit 7", 7},
		{"the largest code", "exit 255", 255},
		{"ended by a signal", "kill -TERM $$", 128 + 15},
		{"ended by a signal that cannot be caught", "kill -KILL $$", 128 + 9},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			child, err := Start(t.Context(), []string{"/bin/sh", "-c", test.script}, StartOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer child.Close()
			if err := child.Resume(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if code, err := child.Wait(); code != test.want || err != nil {
					t.Errorf("Wait() = %d, %v; want %d", code, err, test.want)
				}
			}
			if child.Alive() {
				t.Error("it is alive after its end")
			}
			if err := child.Signal(syscall.SIGTERM); err != nil {
				t.Errorf("signal to a child that has ended: %v", err)
			}
		})
	}
}

func TestStartRefusesWhatCannotRun(t *testing.T) {
	plain := t.TempDir() + "/plain"
	if err := os.WriteFile(plain, []byte("just text"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir() + "/broken"
	if err := os.WriteFile(broken, []byte("\x7fELF, but no more"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		argv []string
		want string
	}{
		{"nothing", nil, "no command"},
		{"a command that is nowhere", []string{"no-such-command-anywhere"}, "start no-such-command-anywhere: " +
			"executable file not found in $PATH"},
		{"a path that is nowhere", []string{"/nowhere/program"}, "start /nowhere/program: no such file or directory"},
		{"a file that may not be executed", []string{plain}, "permission denied"},
		{"a file that is no program", []string{broken}, "exec format error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Start(t.Context(), test.argv, StartOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want it to say %q", err, test.want)
			}
		})
	}
}

func TestAChildIsKilledWhenTheContextEndsBeforeItRuns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	child, err := Start(ctx, []string{"cat"}, StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	cancel()
	if code := exitCode(t, child); code != 128+9 {
		t.Errorf("exit code %d; want that of SIGKILL", code)
	}
	if err := child.Resume(); !errors.Is(err, context.Canceled) {
		t.Errorf("Resume after it: %v; want context.Canceled", err)
	}
}

func exitCode(t *testing.T, child *Child) int {
	t.Helper()
	code, err := child.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestKillEndsAStoppedChild(t *testing.T) {
	child, err := Start(t.Context(), []string{"cat"}, StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, child); code != 128+9 {
		t.Errorf("exit code %d; want that of SIGKILL", code)
	}
	if err := child.Kill(); err != nil {
		t.Errorf("a second Kill: %v", err)
	}
}

func TestAChildThatWasNotResumedDiesWithItsParent(t *testing.T) {
	parent, _, _ := startHelper(t, "start")
	pid := childOf(t, parent)
	child := open(t, pid)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestABoundChildEndsWithItsParent(t *testing.T) {
	parent, _, _ := startHelper(t, "start bound, then resume")
	child := open(t, childOf(t, parent))
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAResumedChildOutlivesItsParent(t *testing.T) {
	parent, in, out := startHelper(t, "start, then resume")
	child := open(t, childOf(t, parent))
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	if _, err := io.WriteString(in, "still there\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "still there\n" {
		t.Errorf("the child answers %q, %v", line, err)
	}
	in.Close()
	if err := child.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// startHelper starts a helper that starts a cat; in and out are the cat's.
func startHelper(t *testing.T, role string) (parent *process, in, out *os.File) {
	t.Helper()
	catIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, catOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := helper(role)
	cmd.ExtraFiles = []*os.File{catIn, catOut}
	parent = run(t, cmd)
	catIn.Close()
	catOut.Close()
	t.Cleanup(func() {
		in.Close()
		out.Close()
	})
	return parent, in, out
}

func childOf(t *testing.T, parent *process) int {
	t.Helper()
	pid, err := strconv.Atoi(parent.line(t))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestSignalReachesTheChild(t *testing.T) {
	out := new(strings.Builder)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	script := `trap 'echo caught; exit 3' TERM; echo ready; while :; do read x || sleep 0.01; done`
	child, err := Start(t.Context(), []string{"sh", "-c", script}, StartOptions{Stdout: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.Resume(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "ready" {
			if err := child.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		out.WriteString(lines.Text() + " ")
	}
	if code := exitCode(t, child); code != 3 || out.String() != "ready caught " {
		t.Errorf("exit code %d, output %q", code, out)
	}
}

func TestStartHandsOverFilesAndSurroundings(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const dir = "/"
	child, err := Start(t.Context(), []string{"sh", "-c", `echo "$PWD $COLOUR"; id -u`}, StartOptions{
		Dir: dir, Env: []string{"COLOUR=blue", "PATH=" + os.Getenv("PATH")}, Stdout: w,
		As: unprivileged(),
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.Resume(); err != nil {
		t.Fatal(err)
	}
	output, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	uid := os.Getuid()
	if unprivileged() != nil {
		uid = 65534
	}
	if want := dir + " blue\n" + strconv.Itoa(uid) + "\n"; string(output) != want {
		t.Errorf("output %q; want %q", output, want)
	}
	exitCode(t, child)
}

func unprivileged() *Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &Credential{UID: 65534, GID: 65534}
}

func TestManyStartsLeaveNoThreadAndNoProcess(t *testing.T) {
	for range 50 {
		child, err := Start(t.Context(), []string{"true"}, StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Resume(); err != nil {
			t.Fatal(err)
		}
		if code := exitCode(t, child); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		child.Close()
	}
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}

func TestAGroupIsSignalledWithWhatTheChildStarted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// The grandchild holds the pipe: its end is the pipe's.
	child, err := Start(t.Context(), []string{"sh", "-c", "sleep 1000 & echo started; wait"},
		StartOptions{Stdout: w, Group: true})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.Resume(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(r)
	if line, err := out.ReadString('\n'); line != "started\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	if err := child.SignalGroup(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(out); err != nil {
		t.Error(err)
	}
	if code, err := child.Wait(); code != 128+15 || err != nil {
		t.Errorf("Wait() = %d, %v", code, err)
	}
	if err := child.SignalGroup(syscall.SIGKILL); err != nil {
		t.Errorf("where all have ended: %v", err)
	}
}
