package instant

import (
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/format"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the goroutines at an instant. It encodes to the document of `gosched goroutines --at --json`.
type Result struct {
	Version    int         `json:"version"`
	AtNS       int64       `json:"at_ns"` // since the Unix epoch, as the others
	BeginNS    int64       `json:"begin_ns"`
	EndNS      int64       `json:"end_ns"`
	Unknown    int         `json:"unknown"` // goroutines seen before, whose state at the instant is not known
	Goroutines []Goroutine `json:"goroutines"`
}

// Goroutine is one goroutine at an instant.
type Goroutine struct {
	PID       int32       `json:"pid"` // format.Unknown where the trace does not say
	GoID      format.GoID `json:"goid"`
	State     string      `json:"state"`            // "runnable", "running", "syscall" or "waiting"
	Reason    string      `json:"reason,omitempty"` // of one that waits
	SinceNS   *int64      `json:"since_ns"`         // nil where it came into its state before it was looked at
	Stack     string      `json:"stack,omitempty"`  // root first; empty where it is not known
	Elided    bool        `json:"elided,omitempty"` // frames are missing
	Creator   format.GoID `json:"creator,omitempty"`
	CreatedBy string      `json:"created_by,omitempty"` // the go statement's frame

	seenNS int64 // how long it had been seen in its state
}

// What a dump says instead of a stack.
const (
	runningElsewhere = "goroutine running on other thread; stack unavailable"
	noStack          = "stack unknown"
)

const minuteNS = 60_000_000_000

// PIDs are the processes with goroutines, ascending.
func (r *Result) PIDs() []int32 {
	var out []int32
	for i := range r.Goroutines {
		if pid := r.Goroutines[i].PID; len(out) == 0 || out[len(out)-1] != pid {
			out = append(out, pid)
		}
	}
	return out
}

// Profile is the goroutines of a process as a profile with ids.
func (r *Result) Profile(pid int32) *profile.Profile {
	p := &profile.Profile{Encoding: profile.Dump}
	for i := range r.Goroutines {
		if g := &r.Goroutines[i]; g.PID == pid {
			p.Groups = append(p.Groups, g.group())
		}
	}
	return p
}

// group is the goroutine as a profile has it. How long one that waits has waited is at least what was seen of it.
func (g *Goroutine) group() profile.Group {
	out := profile.Group{
		Count: 1, GoID: g.GoID, State: g.State, Stack: g.Stack, Elided: g.Elided && g.Stack != "", CreatedBy: g.CreatedBy, Creator: g.Creator,
	}
	if g.Reason != "" {
		out.State = g.Reason
	}
	if g.State == "waiting" || g.State == "syscall" {
		out.WaitMinutes = g.seenNS / minuteNS
	}
	switch {
	case g.Stack != "":
	case g.State == "running":
		out.Missing = runningElsewhere
	default:
		out.Missing = noStack
	}
	return out
}
