// Package folded gives where goroutines' time went as folded stacks: lines that flamegraph.pl,
// speedscope and others draw. A line has the functions from the root of a stack to its leaf, then the
// state with its reason in brackets, all with semicolons between, and the nanoseconds that goroutines
// spent there. It is time by the clock, not of CPUs.
//
// A goroutine that is runnable is where it was before. Of one that runs a recording of moves knows
// where the trace saw it next; rounds only know the function that it began with. Times whose end was
// not seen are left out. Of rounds the times are estimates: what interval each share has is said by
// package rounds.
//
// # Memory
//
// At most 262,144 stacks are told apart; the time of others has no stack. About 100 bytes are kept for
// each goroutine that is alive.
package folded

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// maxPlaces bounds the stacks that are told apart.
const maxPlaces = 1 << 18

// place is where goroutines spent time.
type place struct {
	pid           int32
	state         format.State
	reason, stack format.StringID
	entry         replay.EntryID
}

// Pass adds up time by stack. Make one with New, run it with replay.Run and ask for its Lines.
type Pass struct {
	System  bool // with the runtime's own goroutines
	names   *replay.Names
	several bool
	spent   map[place]int64                     // nanoseconds
	found   map[place]int64                     // goroutines that rounds found
	last    replay.ByGoroutine[format.StringID] // where a goroutine was last
}

var (
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.RoundPass = (*Pass)(nil)
)

// New makes an empty pass.
func New() *Pass { return &Pass{spent: map[place]int64{}, found: map[place]int64{}} }

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants { return replay.Wants{States: replay.AllStates, Details: true} }

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, meta *format.Metadata) {
	p.names, p.several = names, len(meta.Processes) > 1
}

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		at := place{s.PID, s.State, s.Reason, p.stackOf(s), s.Entry}
		if s.State == format.StateRunning || s.State == format.StateRunnable {
			at.reason = format.NullString
		}
		if s.Flags&replay.EndUnseen == 0 {
			add(p.spent, at, s.Len())
		}
	}
}

// stackOf is where a goroutine is during a span.
func (p *Pass) stackOf(s *replay.Span) format.StringID {
	if s.Next == format.StateNotExist {
		defer p.last.Drop(s.PID, s.GoID)
	}
	last := p.last.Find(s.PID, s.GoID)
	if last == nil {
		last = new(format.StringID)
		p.last.Put(s.PID, s.GoID, last)
	}
	switch {
	case s.State == format.StateRunning:
		*last = s.EndStack
	case s.State != format.StateRunnable || s.Stack != format.NullString:
		*last = s.Stack
	case s.Flags&replay.CensoredLeft != 0:
		*last = format.NullString
	}
	return *last
}

// Round implements replay.RoundPass.
func (p *Pass) Round(r *replay.Round) {
	for i := range r.Goroutines {
		g := &r.Goroutines[i]
		at := place{r.PID, g.State, g.Reason, g.Stack, g.Entry}
		add(p.found, at, g.Weight)
	}
}

// add counts time at a place.
func add(to map[place]int64, at place, n int64) {
	if _, known := to[at]; !known && len(to) >= maxPlaces {
		at.reason, at.stack = format.NullString, format.NullString
	}
	to[at] += n
}

// Line is a folded stack.
type Line struct {
	Stack string `json:"stack"`
	NS    int64  `json:"ns"`
}

// Lines are the folded stacks after a walk, in the order of their texts.
func (p *Pass) Lines(sum *replay.Summary) []Line {
	times := map[string]float64{}
	for at, ns := range p.spent {
		p.count(times, at, float64(ns))
	}
	each := map[int32]float64{} // what a goroutine that was found stands for
	for _, s := range sum.Sampled {
		each[s.PID] = float64(s.NS) / float64(max(1, s.Rounds))
	}
	found := map[string]float64{}
	for at, n := range p.found {
		p.count(found, at, float64(n)*each[at.pid])
	}
	out := []Line{}
	for text, ns := range found {
		times[text] += ns
	}
	for text, ns := range times {
		if whole := int64(math.Round(ns)); whole > 0 {
			out = append(out, Line{text, whole})
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return cmp.Compare(a.Stack, b.Stack) })
	return out
}

// count adds the time at a place to its line.
func (p *Pass) count(to map[string]float64, at place, ns float64) {
	entry := p.names.Entry(at.entry)
	text := p.names.Stack(at.stack)
	if !p.System && (stack.IsSystem(entry) || stack.IsSystem(stack.Root(text))) {
		return
	}
	var frames []string
	if p.several {
		frames = append(frames, replay.ProcessText(at.pid))
	}
	known := len(frames)
	for _, frame := range stack.Frames(text) {
		if !format.IsMark(frame) || frame == format.MarkTruncated.String() {
			frames = append(frames, stack.Function(frame))
		}
	}
	if len(frames) == known {
		frames = append(frames, entry)
	}
	leaf := at.state.String()
	if reason := p.names.Reason(at.reason); reason != "" {
		leaf += ": " + reason
	}
	for i := range frames {
		frames[i] = plain(frames[i])
	}
	to[strings.Join(append(frames, "["+plain(leaf)+"]"), ";")] += ns
}

// plain is a name without what separates names and lines.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ';':
			return ','
		case r < ' ' || r == 0x7f:
			return '?'
		}
		return r
	}, name)
}

// Write writes lines as flamegraph.pl and speedscope read them.
func Write(w io.Writer, lines []Line) error {
	out := bufio.NewWriter(w)
	for _, l := range lines {
		fmt.Fprintf(out, "%s %d\n", l.Stack, l.NS)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write folded stacks: %w", err)
	}
	return nil
}
