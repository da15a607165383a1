package record

import (
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
)

// TestModulesChangeWhatIsCovered adds modules to a choice of which the program has no coroutines.
func TestModulesChangeWhatIsCovered(t *testing.T) {
	probes := []gobin.Probe{{Op: gobin.OpRun}, {Op: gobin.OpCoroSwitch}}
	all := func(but string) []gobin.Coverage {
		var out []gobin.Coverage
		for _, t := range transitions {
			c := gobin.Coverage{Name: t.name, Covered: t.name != but}
			if !c.Covered {
				c.Why = "inlined"
			}
			out = append(out, c)
		}
		return out
	}
	plugin := func(path string, covers []gobin.Coverage, points []gobin.Probe) *image.Module {
		return &image.Module{Module: format.Module{Path: path}, Points: points, Covers: covers}
	}
	type want struct {
		transition string
		covered    bool
		why        string
	}
	tests := []struct {
		name    string
		modules []*image.Module
		without []string
		want    []want
		points  int // of the first module
	}{
		{"none", nil, nil, []want{{"run", true, ""}, {"coroutines", true, "this program has no coroutines"}}, 0},
		{
			"two with coroutines", []*image.Module{plugin("/a", all(""), probes), plugin("/b", all(""), probes)}, nil,
			[]want{{"run", true, ""}, {"coroutines", true, "only in /a, /b"}}, 2,
		},
		{
			"one that is partly seen", []*image.Module{plugin("/a", all("run"), probes[1:])}, nil,
			[]want{{"run", false, "in /a: inlined"}, {"coroutines", true, "only in /a"}}, 1,
		},
		{
			"one that is not known", []*image.Module{plugin("/a", nil, nil)}, nil,
			[]want{{"run", false, "in /a: its copy of the scheduler is not watched"}, {"stacks", true, ""}}, 0,
		},
		{
			"coroutines are not wanted", []*image.Module{plugin("/a", all(""), probes)}, []string{"coroutines"},
			[]want{{"run", true, ""}, {"coroutines", false, "left out when recording"}}, 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			covered := all("")
			for i := range covered {
				if covered[i].Name == "coroutines" {
					covered[i].Why = "this program has no coroutines"
				}
			}
			c, err := choose(probes[:1], covered, test.without)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range test.modules {
				c.addModule(m, test.without)
			}
			for _, want := range test.want {
				for _, got := range c.coverage {
					if got.Name == want.transition && (got.Covered != want.covered || got.Why != want.why) {
						t.Errorf("%s: covered %v, %q; want %v, %q", got.Name, got.Covered, got.Why, want.covered,
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
