package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// abLine is the line that says which run goes on and how long everything takes yet: on a terminal
// one that is drawn again each second, elsewhere one a run.
type abLine struct {
	out   io.Writer // nil: nothing to clear
	done  chan struct{}
	drawn sync.WaitGroup
}

func beginABLine(out io.Writer, run abRun, left time.Duration, known bool) *abLine {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		fmt.Fprintln(out, abLineText(run, left, known))
		return &abLine{}
	}
	l := &abLine{out: out, done: make(chan struct{})}
	l.drawn.Go(func() { l.draw(run, time.Now().Add(left), known) })
	return l
}

// draw draws the line each second until end is called.
func (l *abLine) draw(run abRun, over time.Time, known bool) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		fmt.Fprintf(l.out, "\r%s\x1b[K", abLineText(run, time.Until(over), known))
		select {
		case <-tick.C:
		case <-l.done:
			fmt.Fprint(l.out, "\r\x1b[K")
			return
		}
	}
}

func (l *abLine) end() {
	if l.out != nil {
		close(l.done)
		l.drawn.Wait()
	}
}

func abLineText(run abRun, left time.Duration, known bool) string {
	text := fmt.Sprintf("%s: %s", run.name(), run.side)
	if known {
		text += ", " + clockText(left) + " left"
	}
	return text
}
