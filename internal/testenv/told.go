package testenv

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"
)

// Told is a program that does the next thing for each line of its standard input, and answers when
// that is done. It ends with its input.
type Told struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// StartTold starts such a program. It is ended with the test.
func StartTold(tb testing.TB, cmd *exec.Cmd) *Told {
	tb.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return &Told{cmd, in, bufio.NewScanner(out)}
}

// PID is the program's process.
func (p *Told) PID() int { return p.cmd.Process.Pid }

// Tell has the program do the next thing.
func (p *Told) Tell(tb testing.TB, answer string) {
	tb.Helper()
	if _, err := io.WriteString(p.in, "go on\n"); err != nil {
		tb.Fatal(err)
	}
	if !p.out.Scan() || p.out.Text() != answer {
		tb.Fatalf("the program says %q, not %q: %v", p.out.Text(), answer, p.out.Err())
	}
}
