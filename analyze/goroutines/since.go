package goroutines

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// since is since when a goroutine is in the state in which a trace finds it, where what the trace is
// a part of knew that: a flight recorder does. What it spent there before is no part of the trace.
type since struct {
	ns    int64 // 0: not known
	state format.State
}

// tell takes what a snapshot says.
func (k *since) tell(s *replay.Snapshot) {
	if s.SinceNS != 0 {
		k.ns, k.state = s.SinceNS, s.State
	}
}

// of is since when the goroutine is in the state of its next span, if it is known. It is known of one
// span alone.
func (k *since) of(s *replay.Span) (ns int64, known bool) {
	ns = k.ns
	k.ns = 0
	return ns, ns != 0 && ns <= s.Begin && k.state == s.State && s.Flags&replay.CensoredLeft != 0
}
