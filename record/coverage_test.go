package record

import (
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
)

// TestModulesChangeWhatIsCovered adds modules to a choice of which the program has no coroutines.
func TestModulesChangeWhatIsCovered(t *testing.T) {
	probes := []gobin.Probe{
		{Op: gobin.OpRun, Transition: format.TransitionRun},
		{Op: gobin.OpCoroSwitch, Transition: format.TransitionCoroutines},
	}
	all := func(but ...format.Transition) []format.Coverage { return format.CoverAllBut("inlined", but...) }
	plugin := func(path string, covers []format.Coverage, points []gobin.Probe) *image.Module {
		return &image.Module{Module: format.Module{Path: path}, Points: points, Covers: covers}
	}
	type want struct {
		transition format.Transition
		covered    bool
		why        string
	}
	tests := []struct {
		name    string
		modules []*image.Module
		without []format.Transition
		want    []want
		points  int // of the first module
	}{
		{"none", nil, nil, []want{{format.TransitionRun, true, ""}, {format.TransitionCoroutines, true,
			"none can occur: this program has no iter.Pull"}}, 0},
		{
			"two with coroutines", []*image.Module{plugin("/a", all(), probes), plugin("/b", all(), probes)}, nil,
			[]want{{format.TransitionRun, true, ""}, {format.TransitionCoroutines, true, "only in /a, /b"}}, 2,
		},
		{
			"one that is partly seen", []*image.Module{plugin("/a", all(format.TransitionRun), probes[1:])}, nil,
			[]want{{format.TransitionRun, false, "in /a: inlined"}, {format.TransitionCoroutines, true, "only in /a"}},
			1,
		},
		{
			"one that is not known", []*image.Module{plugin("/a", nil, nil)}, nil,
			[]want{{format.TransitionRun, false, "in /a: its copy of the scheduler is not watched"},
				{format.TransitionStacks, true, ""}}, 0,
		},
		{
			"coroutines are not wanted", []*image.Module{plugin("/a", all(), probes)},
			[]format.Transition{format.TransitionCoroutines},
			[]want{{format.TransitionRun, true, ""}, {format.TransitionCoroutines, false, "left out when recording"}},
			1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			covered := all()
			for i := range covered {
				if covered[i].Transition == format.TransitionCoroutines {
					covered[i].Why = "none can occur: this program has no iter.Pull"
				}
			}
			c, err := choosePoints(probes[:1], covered, &Options{Without: test.without})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range test.modules {
				c.addModule(m, test.without)
			}
			for _, want := range test.want {
				for _, got := range c.coverage {
					if got.Transition == want.transition && (got.Covered != want.covered || got.Why != want.why) {
						t.Errorf("%s: covered %v, %q; want %v, %q", got.Transition, got.Covered, got.Why, want.covered,
							want.why)
					}
				}
			}
			if len(test.modules) > 0 && len(test.modules[0].Points) != test.points {
				t.Errorf("%d points are probed, want %d", len(test.modules[0].Points), test.points)
			}
		})
	}
}
