// Package status draws the one line that says how far gosched is.
//
// On a terminal the line is drawn in place, is never wider than the terminal, and is gone when it
// is cleared. Into a file or a pipe nothing is drawn, and only what Announce says becomes a plain
// line, so that a log holds no control characters.
//
// It is written by hand because no progress library fits. Of the newest in November 2026,
// schollz/progressbar 3.19, cheggaaa/pb 3.3 and go-pretty 6.9 draw into pipes too; vbauerster/mpb
// 8.16 does not, but it draws bars toward a known total, on a line of their own and from a
// goroutine of its own, and brings five more modules. Here the line is a sentence, whose total is
// often unknown: a recording until Ctrl-C, a Go trace from standard input.
package status

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// Line is the status line below whatever else goes to the same writer. It is safe for concurrent
// use.
type Line struct {
	out   io.Writer
	width func() int // of the terminal in columns; nil: out is none

	mu   sync.Mutex
	text string // what is drawn; "": nothing

	stop   chan struct{} // ends the drawing that Announce began; nil: none
	drawer sync.WaitGroup
}

// New is a line without text on out. What is not a terminal, such as another Line, has none drawn.
func New(out io.Writer) *Line {
	l := &Line{out: out}
	if _, ok := Terminal(out); ok {
		l.width = func() int { width, _ := Terminal(out); return width }
	}
	return l
}

// Terminal says whether out is a terminal, and how many columns it has; 0 where it does not say.
func Terminal(out io.Writer) (width int, ok bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, _ = term.GetSize(int(file.Fd()))
	return width, true
}

// Draw makes text the line; it must be one line.
func (l *Line) Draw(text string) {
	if l.width == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
	l.draw()
}

// Announce draws text at once and again each second until Clear is called. Where nothing is drawn
// it is printed once.
func (l *Line) Announce(text func() string) {
	if l.width == nil {
		fmt.Fprintln(l, text())
		return
	}
	stop := make(chan struct{})
	l.stop = stop
	l.drawer.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			l.Draw(text())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
}

// Clear removes the line. Announce and Clear are for the same goroutine.
func (l *Line) Clear() {
	if l.stop != nil {
		close(l.stop)
		l.drawer.Wait()
		l.stop = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	l.text = ""
}

// Write writes whole lines above the status line. It implements io.Writer.
func (l *Line) Write(lines []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	n, err := l.out.Write(lines)
	l.draw()
	return n, err
}

// What a terminal does at control characters; ECMA-48 has them.
const (
	toBegin    = "\r"
	clearToEnd = "\x1b[K"
)

func (l *Line) draw() {
	if l.text != "" {
		fmt.Fprint(l.out, toBegin+cut(l.text, l.width())+clearToEnd)
	}
}

func (l *Line) erase() {
	if l.text != "" {
		fmt.Fprint(l.out, toBegin+clearToEnd)
	}
}

// cut leaves of a text what fits on a terminal's line. The last column stays free: a character
// there makes some terminals begin the next line.
func cut(text string, width int) string {
	runes := []rune(text)
	if width <= 1 || len(runes) < width {
		return text
	}
	return string(runes[:width-2]) + "…"
}
