package record

import (
	"maps"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// ties orders events of several rings that have one time. A ring's own order is right; between
// rings, of the events that are next, one comes first that its goroutine can do now. Where the
// clock is finer than what two CPUs can do to each other it is nil, and nothing is kept.
type ties struct {
	states map[gkey]format.State // of goroutines that have moved
}

func newTies(clockStepNS int64) *ties {
	if clockStepNS < format.CoarseClockNS {
		return nil
	}
	return &ties{states: map[gkey]format.State{}}
}

// first returns which of the heap's queues to take from: 0, or one whose next event has the same
// time and can happen now. A wait that ends unseen, in netpoll or by a timer, is the second choice.
func (t *ties) first(heap []*queue) int {
	if t == nil {
		return 0
	}
	now, second := heap[0].next(), -1
	for i, q := range heap {
		if q.next() != now {
			continue
		}
		e := &q.events[q.head]
		m, have := moveOf(e), t.states[e.key()]
		switch {
		case m == nil, have == format.StateUnknown, have == m.from:
			return i
		case second < 0 && e.op == op(gobin.OpRun) && have == format.StateWaiting:
			second = i
		}
	}
	return max(second, 0)
}

// moveOf is an event's row of moves; nil where it has none.
func moveOf(e *event) *move {
	if int(e.op) >= len(moves) || moves[e.op].to == format.StateUnknown {
		return nil
	}
	return &moves[e.op]
}

// took notes what an event did.
func (t *ties) took(e *event) {
	if t == nil {
		return
	}
	m := moveOf(e)
	switch {
	case m != nil && m.to == format.StateNotExist:
		delete(t.states, e.key())
	case m != nil:
		t.states[e.key()] = m.to
	case e.op == op(gobin.OpCreate):
		t.states[e.key()] = format.StateRunnable
	case e.op == op(gobin.OpCoroSwitch):
		delete(t.states, e.key())
		delete(t.states, gkey{e.byGoid, e.subject})
	case e.op == opGap:
		maps.DeleteFunc(t.states, func(k gkey, _ format.State) bool { return k.subject == e.subject })
	}
}
