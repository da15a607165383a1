//go:build linux

package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// helperEnv names what the test binary is to do when a test starts it as a child.
const helperEnv = "TARGET_TEST_HELPER"

// helpers are those roles. Each lives until its standard input ends, or is killed.
var helpers = map[string]func() error{
	"namespace":                func() error { return say(InRootPIDNamespace()) },
	"opener":                   func() error { return openNumbers(0) },
	"opener, own /proc":        func() error { return errors.Join(mountOwnProc(""), openNumbers(0)) },
	"opener, hiding /proc":     func() error { return errors.Join(mountOwnProc("hidepid=2"), openNumbers(65534)) },
	"privileges":               func() error { return report(CheckPrivileges()) },
	"start":                    func() error { return startCat(false, false) },
	"start, then resume":       func() error { return startCat(true, false) },
	"start bound, then resume": func() error { return startCat(true, true) },
}

func TestMain(m *testing.M) {
	role, isHelper := os.LookupEnv(helperEnv)
	if !isHelper {
		os.Exit(m.Run())
	}
	if err := helpers[role](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(answer ...any) error {
	fmt.Println(answer...)
	return untilEOF()
}

// mountOwnProc gives a helper that has a mount namespace of its own a /proc of its PID namespace.
func mountOwnProc(options string) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Mount("proc", "/proc", "proc", 0, options)
}

// openNumbers starts a cat and prints its number, becomes another user, then opens the process of
// each number that it reads and prints what it finds.
func openNumbers(uid int) error {
	cat := exec.Command("cat")
	in, err := cat.StdinPipe()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := cat.Start(); err != nil {
		return err
	}
	if uid != 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
			return err
		}
	}
	fmt.Println(cat.Process.Pid)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		pid, _ := strconv.Atoi(lines.Text())
		fmt.Println(describeNumber(pid))
	}
	return nil
}

func describeNumber(pid int) string {
	p, err := Open(pid)
	if err != nil {
		return err.Error()
	}
	defer p.Close()
	comm, err1 := p.Comm()
	threads, err2 := p.Threads()
	if err := errors.Join(err1, err2); err != nil {
		return err.Error()
	}
	return fmt.Sprint(p.PID(), " is ", comm, " with threads ", threads)
}

func report(answer error) error {
	fmt.Println(answer)
	return untilEOF()
}

// startCat starts cat on the helper's own files 3 and 4.
func startCat(resume, bound bool) error {
	child, err := Start(context.Background(), []string{"cat"}, StartOptions{
		Stdin:  os.NewFile(3, "cat's input"),
		Stdout: os.NewFile(4, "cat's output"),
		Bound:  bound,
	})
	if err != nil {
		return err
	}
	if resume {
		if err := child.Resume(); err != nil {
			return err
		}
	}
	fmt.Println(child.PID())
	return untilEOF()
}

func untilEOF() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// process is a running command of a test, with its pipes.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// run starts a command that is killed when the test ends.
func run(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
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
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{Cmd: cmd, in: in, out: bufio.NewReader(out)}
}

func helper(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperEnv+"="+role)
	return cmd
}

// line reads a line that the command writes; it waits for it.
func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("read from %v: %v", p.Args, err)
	}
	return line[:len(line)-1]
}

func (p *process) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, pid int) *Process {
	t.Helper()
	p, err := Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
