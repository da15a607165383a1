package format

import (
	"fmt"
	"slices"
)

// Transition is a class of transitions: what a recording sees of a process, or does not, as a
// whole. A new class has a constant here, a row in transitionSpecs, and probe points.
type Transition uint8

// The classes of transitions, in the order in which people are told of them.
const (
	TransitionNone Transition = iota // of no class
	TransitionCreate
	TransitionRun
	TransitionPark
	TransitionReady
	TransitionYield
	TransitionExit
	TransitionSyscalls
	TransitionCoroutines
	TransitionCgo
	TransitionGC
	TransitionKernel
	TransitionStacks

	NumTransitions = iota
)

// transitionSpecs names the classes. A class's name is what the metadata holds.
var transitionSpecs = [NumTransitions]struct{ name, meaning string }{
	TransitionCreate:     {"create", "Goroutines being created, and by whom."},
	TransitionRun:        {"run", "Goroutines getting a P."},
	TransitionPark:       {"park", "Goroutines that begin to wait, and for what."},
	TransitionReady:      {"ready", "Goroutines being made ready, and by whom."},
	TransitionYield:      {"yield", "Goroutines that yield or are preempted."},
	TransitionExit:       {"exit", "Goroutines that end."},
	TransitionSyscalls:   {"syscalls", "System calls and calls into C."},
	TransitionCoroutines: {"coroutines", "Switches between coroutines (iter.Pull)."},
	TransitionCgo:        {"cgo", "C threads that enter and leave Go."},
	TransitionGC:         {"gc", "Garbage collections and stop-the-world pauses."},
	TransitionKernel:     {"kernel", "The process's threads going on and off the CPUs."},
	TransitionStacks:     {"stacks", "Where in the code it happened."},
}

// Transitions are all classes, in order.
func Transitions() []Transition {
	all := make([]Transition, 0, NumTransitions-1)
	for t := TransitionNone + 1; t < NumTransitions; t++ {
		all = append(all, t)
	}
	return all
}

// ParseTransition gives the class of that name.
func ParseTransition(name string) (Transition, bool) {
	for _, t := range Transitions() {
		if t.String() == name {
			return t, true
		}
	}
	return TransitionNone, false
}

// String is the class's name in a trace.
func (t Transition) String() string {
	if t == TransitionNone || int(t) >= NumTransitions {
		return "transition?"
	}
	return transitionSpecs[t].name
}

// MarshalText gives the class's name.
func (t Transition) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a class's name. One that this version does not know is an error: of a class
// that is not known, nothing can be said.
func (t *Transition) UnmarshalText(text []byte) error {
	known, ok := ParseTransition(string(text))
	if !ok {
		return fmt.Errorf("unknown class of transitions %q", text)
	}
	*t = known
	return nil
}

// Missing says whether transitions of a class are not, or not all, in the trace of the process, and
// why. If they are not missing, why is what to know of them, mostly nothing. A class that the trace
// does not mention is missing: it may be newer than the recorder, or the metadata may be damaged.
func (p *Process) Missing(t Transition) (why string, missing bool) {
	for i := range p.Coverage {
		if c := &p.Coverage[i]; c.Transition == t {
			return c.Why, !c.Covered
		}
	}
	return "the trace does not mention it", true
}

// coverRest says that the classes are covered that the coverage does not mention.
func (p *Process) coverRest() {
	all := FullCoverage()
	for _, c := range p.Coverage {
		if t := c.Transition; t != TransitionNone {
			all[t-1] = c
		}
	}
	p.Coverage = all
}

// FullCoverage says that all classes of transitions are covered.
func FullCoverage() []Coverage { return CoverAllBut("") }

// CoverAllBut says that all classes of transitions are covered but for some, and why those are not.
func CoverAllBut(why string, missing ...Transition) []Coverage {
	all := make([]Coverage, 0, NumTransitions-1)
	for _, t := range Transitions() {
		c := Coverage{Transition: t, Covered: true}
		if slices.Contains(missing, t) {
			c.Covered, c.Why = false, why
		}
		all = append(all, c)
	}
	return all
}
