package requests

import (
	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
	"github.com/gosched/gosched/format"
)

// waitStates are what a wait is by the kind of what ended it, if it was no other goroutine.
var waitStates = map[blocking.Kind]cycle.State{blocking.KindNetwork: cycle.Network, blocking.KindTimer: cycle.Timer,
	blocking.KindRuntime: cycle.Runtime, blocking.KindGC: cycle.Runtime, blocking.KindSTW: cycle.Runtime,
	blocking.KindStopped: cycle.Runtime,
	blocking.KindUnknown: cycle.Unknown}

// stateOf is the state of a part of a span.
func (p *Pass) stateOf(s *replay.Span, id blocking.CauseID) cycle.State {
	switch s.State {
	case format.StateRunnable:
		return cycle.Runnable
	case format.StateWaiting:
		if class := replay.ClassOf(p.names.Reason(s.Reason)); class == replay.ClassGC || class == replay.ClassStop {
			return cycle.Runtime
		}
		if s.EndByGoID != format.NoGoroutine {
			return cycle.Blocked
		}
		if state, ok := waitStates[p.account.Leaf(id)]; ok {
			return state
		}
		return cycle.Blocked
	}
	switch p.account.Leaf(id) {
	case blocking.KindRunning:
		return cycle.Running
	case blocking.KindSyscall:
		return cycle.Syscall
	}
	return cycle.OffCPU
}
