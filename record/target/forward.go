//go:build linux

package target

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that a child gets in our place.
var forwarded = []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1,
	syscall.SIGUSR2}

// fromKeyboard are those that a terminal sends to all of its foreground group, the
// command included: forwarding would double them.
var fromKeyboard = map[os.Signal]bool{syscall.SIGINT: true, syscall.SIGQUIT: true}

// Forward hands our signals to the child, which decides what becomes of them, until stop is called.
func (c *Child) Forward() (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded...)
	var forwarder sync.WaitGroup
	forwarder.Go(func() {
		for sig := range signals {
			if !fromKeyboard[sig] || !inForeground() {
				_ = c.Signal(sig) // a command that has ended needs none
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(signals)
		forwarder.Wait()
	}
}

// inForeground says whether our process group is the one that the terminal's
// keyboard speaks to.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
