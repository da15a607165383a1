package goroutines

import (
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

const (
	maxSites  = 1 << 16 // places and origins that are told apart
	maxWakers = 16      // of each place
)

// siteKey is a place where goroutines of a process wait.
type siteKey struct {
	pid           int32
	reason, stack format.StringID
}

// site is what was seen of all waits at a place.
type site struct {
	lengths    stats.Histogram
	ended      int64 // waits whose end was seen
	longestNS  int64 // of those; of one whose beginning is not known, what was seen
	byTimer    int64 // of those that ended
	wakers     map[wakerKey]*waker
	lastWaker  replay.GoroutineID // the goroutine that ended the latest one
	lostWakers int64              // ends whose waker was not told apart
}

// wakerKey is who ended a wait: code, or where it was no goroutine what the trace calls it.
type wakerKey struct {
	stack, reason format.StringID
}

type waker struct {
	count, sumNS int64
}

type sites struct {
	of     map[siteKey]*site
	beyond int64 // waits at places that were not told apart
}

func newSites() *sites { return &sites{of: map[siteKey]*site{}} }

// wait counts a wait at its place, which began then as far as is known.
func (t *sites) wait(s *replay.Span, began int64, names *replay.Names) {
	key := siteKey{s.PID, s.Reason, s.Stack}
	w := t.of[key]
	if w == nil {
		if len(t.of) >= maxSites {
			t.beyond++
			return
		}
		w = &site{wakers: map[wakerKey]*waker{}}
		t.of[key] = w
	}
	w.wait(s, began, names)
}

func (w *site) wait(s *replay.Span, began int64, names *replay.Names) {
	switch {
	case s.Flags&replay.EndUnseen != 0:
		return
	case s.Flags&replay.AfterGap != 0:
		w.lengths.AddFound(s.Len())
	case s.Flags.Censored():
		w.lengths.AddCensored(s.Len())
	default:
		w.lengths.Add(s.Len())
	}
	if s.Flags&replay.CensoredRight != 0 {
		return
	}
	w.ended++
	w.longestNS = max(w.longestNS, s.End-began)
	key := wakerKey{stack: s.EndByStack}
	if s.EndByGoID == format.NoGoroutine {
		key = wakerKey{reason: s.EndReason}
		if format.ParseReason(names.Reason(s.EndReason)) == format.ReasonTimer {
			w.byTimer++
		}
	} else {
		w.lastWaker = replay.GoroutineID{PID: s.PID, GoID: s.EndByGoID}
	}
	w.woken(key, s.Len())
}

func (w *site) woken(key wakerKey, ns int64) {
	k := w.wakers[key]
	if k == nil {
		if len(w.wakers) >= maxWakers {
			w.lostWakers++
			return
		}
		k = new(waker)
		w.wakers[key] = k
	}
	k.count++
	k.sumNS += ns
}

// originKey is where goroutines come from: a go statement and an entry function.
type originKey struct {
	pid       int32
	entry     replay.EntryID
	createdBy string
}

// origin counts the goroutines of one origin that ended.
type origin struct {
	ended int64
}

type origins struct {
	of     map[originKey]*origin
	beyond int64
}

func (t *origins) ended(g *goroutine, names *replay.Names) {
	key := g.origin(names)
	k := t.of[key]
	if k == nil {
		if len(t.of) >= maxSites {
			t.beyond++
			return
		}
		k = new(origin)
		t.of[key] = k
	}
	k.ended++
}

func (g *goroutine) origin(names *replay.Names) originKey {
	return originKey{g.PID, g.entry, goStatement(names.Stack(g.goStack))}
}

// starters are what the runtime does in a go statement.
var starters = []string{"runtime.newproc", "runtime.newproc.func1", "runtime.systemstack", "runtime.mcall"}

// goStatement is the frame of the go statement in a creator's stack.
func goStatement(text string) string {
	frames := stack.Frames(text)
	for i := len(frames) - 1; i >= 0; i-- {
		if !slices.Contains(starters, stack.Function(frames[i])) {
			return frames[i]
		}
	}
	return ""
}
