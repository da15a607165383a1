// Package profile reads and writes goroutine profiles: what net/http/pprof gives at /debug/pprof/goroutine and /debug/pprof/goroutineleak with
// debug=0, 1 and 2, and what a Go program prints when it crashes (go1.18 to go1.27).
//
// Stacks are written as in a trace: root first, ";" between frames, each "func file:line". What a profile does not say is left empty:
// debug=0 and debug=1 have neither ids nor states.
package profile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Encoding is a way to write a profile down.
type Encoding string

// The encodings.
const (
	Protobuf Encoding = "pprof protobuf" // debug=0
	Counted  Encoding = "debug=1 text"
	Dump     Encoding = "debug=2 text" // also the format of a crash
)

// Profile is the goroutines of a process at an instant.
type Profile struct {
	Encoding Encoding // what it was read from
	Leaked   bool     // it holds leaked goroutines alone: a goroutineleak profile
	Groups   []Group
}

// Group is goroutines that the profile does not tell apart: a single one where it has ids.
type Group struct {
	Count       int64       `json:"count"`
	GoID        format.GoID `json:"goid,omitempty"`         // NoGoroutine where the profile has no ids
	State       string      `json:"state,omitempty"`        // "running", "runnable", "syscall", or why it waits: "chan receive"; empty where the profile has no states
	WaitMinutes int64       `json:"wait_minutes,omitempty"` // whole minutes that it has waited, as far as the runtime knew
	Leaked      bool        `json:"leaked,omitempty"`       // the garbage collector found that nothing can wake it
	Locked      bool        `json:"locked,omitempty"`       // it is locked to its thread
	Labels      []Label     `json:"labels,omitempty"`       // by key
	Stack       string      `json:"stack"`
	Missing     string      `json:"stack_missing,omitempty"` // why there is no stack
	Elided      bool        `json:"elided,omitempty"`        // frames are missing in the middle of the stack
	CreatedBy   string      `json:"created_by,omitempty"`    // the go statement's frame
	Creator     format.GoID `json:"creator,omitempty"`
}

// Label is a pprof label.
type Label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Total is the number of goroutines.
func (p *Profile) Total() int64 {
	var n int64
	for i := range p.Groups {
		n += p.Groups[i].Count
	}
	return n
}

func sortLabels(labels []Label) {
	slices.SortFunc(labels, func(a, b Label) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value)) })
}

// rootFirst joins frames that come innermost first.
func rootFirst(frames []string) string {
	slices.Reverse(frames)
	return strings.Join(frames, ";")
}

// Key is what is the same of a stack however it was written down: without the runtime's own frames, which a dump hides, and with type
// arguments as a dump shows them. A stack of the runtime alone is kept.
func Key(text string) string {
	var out []string
	for _, f := range stack.Frames(text) {
		function, place := stack.Split(f)
		if !strings.HasPrefix(function, "runtime.") {
			out = append(out, plainFunction(function)+" "+place)
		}
	}
	if len(out) == 0 {
		return text
	}
	return strings.Join(out, ";")
}

// plainFunction is a function's name with its type arguments as "[...]".
func plainFunction(name string) string {
	open, end := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if open < 0 || end < open {
		return name
	}
	return name[:open] + "[...]" + name[end+1:]
}
