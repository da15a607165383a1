package record

import (
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// choice is what a recording will and will not see.
type choice struct {
	points   []gobin.Probe
	coverage []format.Coverage // of each of format.Transitions, in their order
	kernel   bool
}

// choosePoints leaves out what is not wanted and says what the trace will hold.
func choosePoints(points []gobin.Probe, covered []format.Coverage, o *Options) (*choice, error) {
	without, why := o.Without, "left out when recording"
	if o.For != "" {
		why = "left out, recorded for " + o.For
	}
	c := &choice{
		points: wanted(points, without), coverage: format.FullCoverage(),
		kernel: !slices.Contains(without, format.TransitionKernel),
	}
	for _, t := range covered {
		*c.of(t.Transition) = t
	}
	for _, t := range without {
		*c.of(t) = format.Coverage{Transition: t, Why: why}
	}
	if len(c.points) == 0 && !c.kernel {
		return nil, fmt.Errorf("nothing is left to record")
	}
	return c, nil
}

// wanted are the points of the transitions that are not left out, class by class.
func wanted(points []gobin.Probe, without []format.Transition) []gobin.Probe {
	var out []gobin.Probe
	for _, t := range format.Transitions() {
		for _, p := range points {
			if p.Transition == t && !slices.Contains(without, t) {
				out = append(out, p)
			}
		}
	}
	return out
}

// of is what the trace says of a class of transitions.
func (c *choice) of(t format.Transition) *format.Coverage {
	return &c.coverage[slices.IndexFunc(c.coverage, func(c format.Coverage) bool { return c.Transition == t })]
}

// sees says whether all of some transitions are recorded.
func (c *choice) sees(transitions ...format.Transition) bool {
	for _, t := range transitions {
		if !c.of(t).Covered {
			return false
		}
	}
	return true
}

func checkTransitions(without []format.Transition) error {
	for _, t := range without {
		if !slices.Contains(format.Transitions(), t) {
			return fmt.Errorf("%d is no class of transitions", t)
		}
	}
	return nil
}
