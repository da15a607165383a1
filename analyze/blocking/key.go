package blocking

import (
	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// causeKey is what a person tells causes apart by.
type causeKey struct {
	kind          Kind
	name, syscall string
	own           bool // as in Cause
}

// keyed is the keys of causes, each with the span that it counted in last.
type keyed struct {
	places  map[causeKey]uint32
	byCause replay.ByID[uint32] // cause.ID → place, plus 1
	list    []causeKey
	latest  []int64
}

// place is where the key of a cause is in p.keys.
func (p *Pass) place(leaf cause.ID) uint32 {
	at := p.keys.byCause.At(uint32(leaf))
	if *at == 0 {
		k := p.newKey(leaf)
		place, ok := p.keys.places[k]
		if !ok {
			place = uint32(len(p.keys.list))
			p.keys.places[k] = place
			p.keys.list, p.keys.latest = append(p.keys.list, k), append(p.keys.latest, 0)
		}
		*at = place + 1
	}
	return *at - 1
}

// key is what a cause is called.
func (p *Pass) key(leaf cause.ID) causeKey { return p.keys.list[p.place(leaf)] }

// newKey is what a cause is called, which is made once for each.
func (p *Pass) newKey(leaf cause.ID) causeKey {
	n := p.nodes.At(leaf)
	k := causeKey{kind: n.Kind}
	where := format.StringID(n.Where)
	switch n.Kind {
	case KindRunning, KindQueued:
		if collects(p.names.Stack(where)) {
			k.kind, k.name = KindGC, "marking"
			break
		}
		k.name = stack.Function(stack.Culprit(p.names.Stack(where)))
		if where == format.NullString {
			k.name = p.names.Entry(replay.EntryID(n.What))
		}
	case KindNetwork, KindTimer, KindRuntime:
		k.name = stack.Function(stack.Culprit(p.names.Stack(where)))
	case KindSyscall, KindHeld:
		k.name, k.syscall = stack.Function(stack.Culprit(p.names.Stack(where))), p.names.Reason(format.StringID(n.What))
	case KindOffCPU:
		k.name = p.names.Reason(where)
		k.own = p.isOwn(k.name)
		if n.What != uint32(replay.UnknownEntry) {
			k.name = p.names.Entry(replay.EntryID(n.What))
		} else if k.own {
			k.name = unknownGoroutine
		}
	case KindStopped:
		k.name, _ = replay.Suspender(p.names.Reason(format.StringID(n.What)))
	case KindGC:
		k.name = collectorsWork(p.names.Reason(format.StringID(n.What)))
	case KindAsleep, KindSTW:
		k.name = p.names.Reason(format.StringID(n.What))
	case KindUnknown:
		k.name = cause.Why(n.Where).String()
	}
	return k
}

// collectorsWork says what a wait for the garbage collector is for, by the reason of the wait: a
// goroutine whose allocation is due to begin a cycle waits for the lock of another that begins one
// (go1.26 src/runtime/mgc.go, gcStart).
func collectorsWork(reason string) string {
	switch reason {
	case "semacquire", "sync":
		return "beginning a cycle"
	}
	return reason
}
