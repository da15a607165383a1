package status

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
)

func TestATerminalSaysItsWidth(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, ok := Terminal(null); ok {
		t.Errorf("%s is a terminal", null.Name())
	}
	terminal := openTerminal(t, 42)
	if width, ok := Terminal(terminal); width != 42 || !ok {
		t.Errorf("Terminal = %d, %v; want 42, true", width, ok)
	}
	if line := New(terminal); line.width == nil || line.width() != 42 {
		t.Error("New draws nothing on a terminal")
	}
}

// openTerminal opens a pseudo-terminal of so many columns, as pty(7) has it.
func openTerminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	host, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		testenv.Lacking(t, err.Error())
	}
	t.Cleanup(func() { host.Close() })
	fd := int(host.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal
}
