package status

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// onTerminal is a line on a terminal of so many columns, and what is written to it.
func onTerminal(width int) (*Line, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return &Line{out: out, width: func() int { return width }}, out
}

func TestALineIsDrawnInPlaceAndRemoved(t *testing.T) {
	line, out := onTerminal(80)
	line.Draw("1 of 2")
	line.Draw("2 of 2")
	line.Clear()
	line.Clear()
	if want := "\r1 of 2\x1b[K\r2 of 2\x1b[K\r\x1b[K"; out.String() != want {
		t.Errorf("it writes %q; want %q", out, want)
	}
}

func TestALineIsNotWiderThanTheTerminal(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"12345", 6, "12345"},
		{"12345", 5, "123…"},
		{"µµµµµ", 5, "µµµ…"},
		{"12345", 2, "…"},
		{"12345", 1, "12345"},
		{"12345", 0, "12345"}, // a terminal that does not say
	} {
		if got := cut(test.text, test.width); got != test.want {
			t.Errorf("of %q %d columns show %q; want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestNotesGoAboveTheLine(t *testing.T) {
	line, out := onTerminal(80)
	fmt.Fprintln(line, "before")
	line.Draw("1 of 2")
	fmt.Fprintln(line, "note")
	line.Clear()
	if want := "before\n\r1 of 2\x1b[K\r\x1b[Knote\n\r1 of 2\x1b[K\r\x1b[K"; out.String() != want {
		t.Errorf("it writes %q; want %q", out, want)
	}
}

func TestElsewhereNothingIsDrawn(t *testing.T) {
	out := new(bytes.Buffer)
	line := New(out)
	line.Draw("1 of 2")
	fmt.Fprintln(line, "note")
	line.Announce(func() string { return "run 1" })
	line.Clear()
	if want := "note\nrun 1\n"; out.String() != want {
		t.Errorf("it writes %q; want %q", out, want)
	}
}

func TestALineWithinALineIsNotDrawn(t *testing.T) {
	outer, out := onTerminal(80)
	outer.Draw("1 of 2")
	inner := New(outer)
	inner.Draw("30%")
	fmt.Fprintln(inner, "note")
	inner.Clear()
	if text := out.String(); strings.Contains(text, "30%") || !strings.HasSuffix(text, "note\n\r1 of 2\x1b[K") {
		t.Errorf("it writes %q", text)
	}
}

func TestAnAnnouncedLineIsDrawnEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, out := onTerminal(80)
		began := time.Now()
		line.Announce(func() string { return fmt.Sprint(time.Since(began)) })
		time.Sleep(2500 * time.Millisecond)
		line.Clear()
		if want := "\r0s\x1b[K\r1s\x1b[K\r2s\x1b[K\r\x1b[K"; out.String() != want {
			t.Errorf("it writes %q; want %q", out, want)
		}
	})
}

func TestGoroutinesShareALine(t *testing.T) {
	line, out := onTerminal(80)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			line.Draw(fmt.Sprint(i))
			fmt.Fprintln(line, "note")
		})
	}
	all.Wait()
	if n := strings.Count(out.String(), "note\n"); n != 8 {
		t.Errorf("%d notes of 8 are whole", n)
	}
}
