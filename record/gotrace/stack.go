package gotrace

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/syscalls"
)

// stackFacts are what a stack says besides its frames.
type stackFacts struct {
	lock    string // the wait reason of the innermost lock
	syscall string
}

// stack is the number of a stack as traces have it: root first.
func (i *importer) stack(s trace.Stack) format.StringID {
	if s == trace.NoStack {
		return format.NullString
	}
	if id, ok := i.stacks[s]; ok {
		return id
	}
	var frames []string
	for f := range s.Frames() {
		frames = append(frames, f.Func+" "+f.File+":"+strconv.FormatUint(f.Line, 10))
	}
	slices.Reverse(frames)
	id := format.NullString
	if len(frames) > 0 {
		id = i.out.Stacks().Intern(strings.Join(frames, ";"))
	}
	i.stacks[s] = id
	return id
}

// locks are the wait reasons of package sync's functions, in the runtime's words (go1.24
// src/runtime/runtime2.go).
var locks = []struct{ function, reason string }{
	{"sync.(*RWMutex).RLock", "sync.RWMutex.RLock"},
	{"sync.(*RWMutex).Lock", "sync.RWMutex.Lock"},
	{"sync.(*Mutex).Lock", "sync.Mutex.Lock"},
	{"internal/sync.(*Mutex).Lock", "sync.Mutex.Lock"},
	{"sync.(*Mutex).lockSlow", "sync.Mutex.Lock"},
	{"internal/sync.(*Mutex).lockSlow", "sync.Mutex.Lock"},
	{"sync.(*WaitGroup).Wait", "sync.WaitGroup.Wait"},
}

func (i *importer) facts(s trace.Stack) stackFacts {
	if s == trace.NoStack {
		return stackFacts{}
	}
	f, ok := i.seen[s]
	if ok {
		return f
	}
	inCall := true
	for frame := range s.Frames() { // the leaf first
		for _, l := range locks {
			if f.lock == "" && frame.Func == l.function {
				f.lock = l.reason
			}
		}
		if !inCall || syscalls.General(frame.Func) {
			continue
		}
		switch {
		case frame.Func == "runtime.cgocall":
			f.syscall, inCall = format.ReasonCgo.String(), false
		case frame.Func == "runtime.notetsleepg":
			f.syscall, inCall = "futex", false
		case !strings.HasPrefix(frame.Func, "runtime."):
			f.syscall, inCall = syscalls.Name(frame.Func), false
		}
	}
	i.seen[s] = f
	return f
}

// reasons are the tracer's words for waits that are exactly one of the runtime's (go1.22 to go1.27
// src/runtime/traceruntime.go).
var reasons = map[string]string{
	"network":                      "IO wait",
	"sync.(*Cond).Wait":            "sync.Cond.Wait",
	"GC mark assist wait for work": "GC assist wait",
	"unspecified":                  "",
}

// reason is why a goroutine waits or yields.
func (i *importer) reason(tracer string, s trace.Stack) string {
	if tracer == "sync" {
		if lock := i.facts(s).lock; lock != "" {
			return lock
		}
	}
	if runtime, ok := reasons[tracer]; ok {
		return runtime
	}
	return tracer
}
