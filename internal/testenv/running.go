package testenv

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Running is a program of a test with its pipes, that runs until its standard input ends.
type Running struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	ended bool
}

// patience is how long a program may take to end after its input has.
const patience = 10 * time.Second

// Start starts such a program, which ends with the test: its input is closed then, and if that does
// not end it, it is killed. Its errors go where the test's go, if the command says nothing else.
func Start(tb testing.TB, cmd *exec.Cmd) *Running {
	tb.Helper()
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &Running{Cmd: cmd, in: in, lines: bufio.NewScanner(out)}
	tb.Cleanup(func() { _ = p.End() })
	return p
}

// End ends the program's input and waits for its end, which may be an error.
func (p *Running) End() error {
	if p.ended {
		return nil
	}
	p.ended = true
	closed := p.in.Close()
	kill := time.AfterFunc(patience, func() { _ = p.Process.Kill() })
	defer kill.Stop()
	for p.lines.Scan() { // or it waits for somebody to read
	}
	return errors.Join(closed, p.Wait())
}

// PID is the program's process.
func (p *Running) PID() int { return p.Process.Pid }

// Line is the next line that the program writes.
func (p *Running) Line(tb testing.TB) string {
	tb.Helper()
	if !p.lines.Scan() {
		tb.Fatalf("%s says nothing more: %v", p.Path, p.lines.Err())
	}
	return p.lines.Text()
}

// Ask writes a line to the program and gives the line that it answers.
func (p *Running) Ask(tb testing.TB, line string) string {
	tb.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		tb.Fatal(err)
	}
	return p.Line(tb)
}

// Tell has a program do the next thing, which answers when that is done.
func (p *Running) Tell(tb testing.TB, answer string) {
	tb.Helper()
	if got := p.Ask(tb, "go on"); got != answer {
		tb.Fatalf("the program says %q, not %q", got, answer)
	}
}
