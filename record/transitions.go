package record

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// transition is something that a recording can leave out.
type transition struct {
	name string
	ops  []gobin.Op // the probe points it needs; none for what is not a probe point's
	what string
}

const (
	withKernel = "kernel"
	withStacks = "stacks"
)

// transitions are all of them, in the order in which people are told.
var transitions = []transition{
	{"create", []gobin.Op{gobin.OpCreate, gobin.OpCreateCoro}, "goroutines being created, and by whom"},
	{"run", []gobin.Op{gobin.OpRun}, "goroutines getting a P"},
	{"park", []gobin.Op{gobin.OpPark, gobin.OpPreemptPark}, "goroutines that begin to wait, and for what"},
	{"ready", []gobin.Op{gobin.OpReady, gobin.OpInject}, "goroutines being made ready, and by whom"},
	{"yield", []gobin.Op{gobin.OpYield, gobin.OpGoyield}, "goroutines that yield or are preempted"},
	{"exit", []gobin.Op{gobin.OpExit}, "goroutines that end"},
	{"syscalls", []gobin.Op{gobin.OpSyscallEnter, gobin.OpSyscallBlock, gobin.OpSyscallExit, gobin.OpSyscallNoP},
		"system calls and calls into C"},
	{"coroutines", []gobin.Op{gobin.OpCoroSwitch}, "switches between coroutines (iter.Pull)"},
	{"cgo", []gobin.Op{gobin.OpNeedM, gobin.OpDropM}, "C threads that enter and leave Go"},
	{"gc", []gobin.Op{gobin.OpGCStart, gobin.OpGCEnd, gobin.OpSTWBegin, gobin.OpSTWEnd},
		"garbage collections and stop-the-world pauses"},
	{withKernel, nil, "the process's threads going on and off the CPUs"},
	{withStacks, nil, "stacks"},
}

// TransitionNames are the names that Options.Without takes.
func TransitionNames() []string {
	names := make([]string, len(transitions))
	for i, t := range transitions {
		names[i] = t.name
	}
	return names
}

func checkNames(without []string) error {
	for _, name := range without {
		if !slices.Contains(TransitionNames(), name) {
			return fmt.Errorf("no transition is called %q: there are %s", name, strings.Join(TransitionNames(), ", "))
		}
	}
	return nil
}

// choice is what a recording will and will not see.
type choice struct {
	points   []gobin.Probe
	coverage []format.Transition
	kernel   bool
	stacks   bool
}

// choose leaves out what is not wanted and says what the trace will hold.
func choose(points []gobin.Probe, covered []gobin.Coverage, without []string) (*choice, error) {
	if err := checkNames(without); err != nil {
		return nil, err
	}
	c := &choice{kernel: !slices.Contains(without, withKernel), stacks: !slices.Contains(without, withStacks)}
	for _, t := range transitions {
		left := slices.Contains(without, t.name)
		c.coverage = append(c.coverage, coverage(t, covered, left))
		for _, p := range points {
			if !left && slices.Contains(t.ops, p.Op) {
				c.points = append(c.points, p)
			}
		}
	}
	if len(c.points) == 0 && !c.kernel {
		return nil, fmt.Errorf("nothing is left to record")
	}
	return c, nil
}

// sees says whether all of some transitions are recorded.
func (c *choice) sees(names ...string) bool {
	for _, t := range c.coverage {
		if !t.Covered && slices.Contains(names, t.Name) {
			return false
		}
	}
	return true
}

func coverage(t transition, covered []gobin.Coverage, left bool) format.Transition {
	out := format.Transition{Name: t.name, Covered: true}
	for _, c := range covered {
		if c.Name == t.name {
			out.Covered, out.Why = c.Covered, c.Why
		}
	}
	if left {
		out.Covered, out.Why = false, "left out when recording"
	}
	return out
}

// TransitionOf is the name of the transition that a probe point's operation belongs to.
func TransitionOf(op gobin.Op) string {
	for _, t := range transitions {
		if slices.Contains(t.ops, op) {
			return t.name
		}
	}
	return ""
}
