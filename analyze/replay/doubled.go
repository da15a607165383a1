package replay

import "github.com/gosched/gosched/format"

// A goroutine is doubled while another is seen to run on its P, though it has not been seen to stop.
// The rows of two CPUs may be in the wrong order by a little. Where it is more than that, moves are
// missing: its span is EndUnseen, so that nobody counts two goroutines on one P for long, and the
// Summary has it in LeftOut.

// doubled is set in goroutine.flags, and in no span that is handed out.
const doubled Flags = 1 << 7

// leftOut are the flags of a doubled span whose length is not known.
const leftOut = doubled | EndUnseen

// maxOverlapNS is for how long a goroutine may be doubled and its run still count.
const maxOverlapNS = 1_000_000

// double notes that another goroutine runs on the P of g, which runs, from t on.
func (w *Walk) double(p *process, g *goroutine, t int64) {
	if g.flags&doubled != 0 {
		return
	}
	p.occ.Change(t, -1, 0)
	if g.flags&CensoredLeft != 0 { // nobody saw it begin: it did not run
		p.goroutines.forget(g)
		g.begin = t
		return
	}
	g.flags |= doubled
	if n := int(g.proc) + 1 - len(p.doubledAt); n > 0 {
		p.doubledAt = append(p.doubledAt, make([]int64, n)...)
	}
	p.doubledAt[g.proc] = t
}

// undoubled are the flags of the span of g, which is doubled, if it ends at t.
func (p *process) undoubled(g *goroutine, t int64) Flags {
	if t-p.doubledAt[g.proc] <= maxOverlapNS {
		return g.flags &^ doubled
	}
	return g.flags | EndUnseen
}

// LeftOut is a time in which a goroutine is said to have run on a P where others did.
type LeftOut struct {
	PID        int32
	GoID       format.GoID
	Entry      EntryID
	Begin, End int64
}

// leaveOut counts one.
func (s *Summary) leaveOut(span *Span) {
	s.LeftOutCount++
	if len(s.LeftOut) < maxProblems {
		s.LeftOut = append(s.LeftOut, LeftOut{span.PID, span.GoID, span.Entry, span.Begin, span.End})
	}
}
