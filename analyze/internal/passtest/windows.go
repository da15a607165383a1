package passtest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Held counts how often intervals held what they are of, by what that is.
type Held struct {
	of map[string]*held
}

type held struct{ held, all, open int }

// Note counts an interval of which an end that is nil is not known.
func (h *Held) Note(name string, whole int64, in [2]*int64) {
	n := h.of[name]
	if n == nil {
		n = new(held)
		h.of[name] = n
	}
	n.all++
	if in[1] == nil {
		n.open++
	}
	if (in[0] == nil || *in[0] <= whole) && (in[1] == nil || whole <= *in[1]) {
		n.held++
	}
}

// windowTrials is how often each shape is tried. A claim of 95 in 100 takes a hundred; fewer show that
// nothing is badly wrong, and may miss two more.
func windowTrials() (n, spared int) {
	if n, err := strconv.Atoi(os.Getenv("GOSCHED_WINDOW_TRIALS")); err == nil && n > 0 {
		return n, 0
	}
	return 4, 2
}

// Windows makes recordings of all shapes, cuts windows out of each and has an analyzer asked of both:
// of each thing that it notes, 95 of 100 intervals have to hold the whole recording's.
// GOSCHED_WINDOW_TRIALS says how many recordings of each shape there are.
func Windows(t *testing.T, ask func(t *testing.T, full, cut *format.Memory, held *Held)) {
	t.Helper()
	n, spared := windowTrials()
	for i := range simsched.Shapes {
		shape := &simsched.Shapes[i]
		t.Run(shape.Name, func(t *testing.T) {
			read, unread := &Held{of: map[string]*held{}}, &Held{of: map[string]*held{}}
			for trial := range n {
				load := shape.Load
				load.Seed = uint64(trial)
				full := load.Trace()
				windows := shape.Windows(full, uint64(trial))
				ask(t, full, simsched.Cut(full, windows, true), read)
				ask(t, full, simsched.Cut(full, windows, false), unread)
			}
			read.check(t, "goroutines read", spared)
			unread.check(t, "goroutines not read", spared)
		})
	}
}

// WindowsOf does the same with one recording, of which windows are cut out again and again.
func WindowsOf(t *testing.T, full *format.Memory, plan func(seed uint64) []simsched.Window,
	ask func(t *testing.T, full, cut *format.Memory, held *Held)) {
	t.Helper()
	n, spared := windowTrials()
	read := &Held{of: map[string]*held{}}
	for trial := range n {
		ask(t, full, simsched.Cut(full, plan(uint64(trial)), true), read)
	}
	read.check(t, "a recording", spared)
}

func (h *Held) check(t *testing.T, how string, spared int) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(h.of)) {
		n := h.of[name]
		text := fmt.Sprintf("%s: %s: %d of %d intervals hold the whole, %d have no end", how, name, n.held, n.all,
			n.open)
		t.Log(text)
		if n.held < n.all*95/100-spared {
			t.Error(text)
		}
	}
}

// Memory is a trace in memory.
func Memory(tb testing.TB, src replay.Source) *format.Memory {
	tb.Helper()
	out := format.NewMemory(src.Metadata())
	out.Events = *whole(tb, src)
	for id := 1; id < src.Reasons().Len(); id++ {
		out.Reasons().Intern(src.Reasons().Lookup(format.StringID(id)))
	}
	for id := 1; id < src.Stacks().Len(); id++ {
		out.Stacks().Intern(src.Stacks().Lookup(format.StringID(id)))
	}
	return out
}
