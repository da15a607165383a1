package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record"
)

// progressLine is the line that tells how far a recording is. Without a terminal it
// says nothing.
type progressLine struct {
	out      io.Writer // nil: no terminal
	pid      int
	duration time.Duration
	last     record.Progress
}

func newProgressLine(out io.Writer, pid int, duration time.Duration) *progressLine {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		out = nil
	}
	return &progressLine{out: out, pid: pid, duration: duration}
}

func (l *progressLine) update(p record.Progress) {
	if l.out != nil {
		fmt.Fprintf(l.out, "\r%s\x1b[K", l.text(p))
	}
	l.last = p
}

// text is the line: events, their rate since the line before, what was lost, the
// trace's size so far, and the time left.
func (l *progressLine) text(p record.Progress) string {
	rate := int64(0)
	if d := p.Elapsed - l.last.Elapsed; d > 0 {
		rate = int64(float64(p.Events-l.last.Events) / d.Seconds())
	}
	left := p.Elapsed.Round(time.Second).String() + ", Ctrl-C to end"
	if l.duration > 0 {
		left = max(0, l.duration-p.Elapsed).Round(time.Second).String() + " left"
	}
	return fmt.Sprintf("recording %d: %s events, %s/s, %s lost, %s, %s", l.pid, report.FormatCount(p.Events),
		report.FormatCount(rate), report.FormatCount(p.Lost), report.FormatBytes(p.Bytes), left)
}

func (l *progressLine) clear() {
	if l.out != nil {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
}
