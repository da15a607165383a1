package goroutines

import (
	"fmt"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// ProfileSummary says how a profile fits the trace.
type ProfileSummary struct {
	Encoding   profile.Encoding `json:"encoding"`
	LeaksOnly  bool             `json:"leaks_only"` // it is a goroutineleak profile
	Goroutines int64            `json:"goroutines"`
	JoinedBy   string           `json:"joined_by"` // "goid" or "stack"
	Matched    int64            `json:"matched"`   // goroutines of the profile that the trace has
	SamePlace  int64            `json:"same_place"`
	// goids that the trace has for goroutines with another entry function
	Strangers int64     `json:"strangers"`
	Missing   []Missing `json:"missing"` // what the trace does not have, in the profile's order
}

// Missing is goroutines of a profile that are not in the trace.
type Missing struct {
	Count  int64           `json:"count"`
	GoID   format.GoID     `json:"goid,omitempty"`
	State  string          `json:"state,omitempty"`
	Stack  string          `json:"stack"`
	Labels []profile.Label `json:"labels,omitempty"`
}

// GroupProfile is what a profile says of a group of the trace.
type GroupProfile struct {
	// of the group's goroutines, how many the profile has; by stack: how many it has there
	Count       int64           `json:"count"`
	SamePlace   int64           `json:"same_place"` // of them, those at the same stack
	Leaked      int64           `json:"leaked"`     // of them, those that the garbage collector found leaked
	WaitMinutes int64           `json:"wait_minutes,omitempty"`
	Labels      []profile.Label `json:"labels,omitempty"` // every label that one of them has
	How         string          `json:"how"`              // how it was joined and how sure that is
}

// join lays a profile beside groups: by ids where the profile has them and the trace is of one
// process, else by stacks.
func join(groups []*Group, sum *replay.Summary, prof *profile.Profile) *ProfileSummary {
	out := &ProfileSummary{Encoding: prof.Encoding, LeaksOnly: prof.Leaked, Goroutines: prof.Total(),
		Missing: []Missing{}}
	if prof.Encoding == profile.Dump && sum.Processes <= 1 {
		out.JoinedBy = "goid"
		out.byID(groups, prof)
		return out
	}
	out.JoinedBy = "stack"
	out.byStack(groups, prof)
	return out
}

func (p *ProfileSummary) byID(groups []*Group, prof *profile.Profile) {
	of := map[format.GoID]*Group{}
	for _, g := range groups {
		for _, m := range g.members {
			of[m.GoID] = g
		}
	}
	keys := map[*Group]string{}
	for i := range prof.Groups {
		f := &prof.Groups[i]
		g := of[f.GoID]
		if g == nil {
			p.miss(f)
			continue
		}
		text := f.Stack
		if !sameRoot(g.Stack, text) {
			text = f.Unwrapped()
		}
		if !sameRoot(g.Stack, text) && !f.Elided {
			p.Strangers++
			p.miss(f)
			continue
		}
		if _, ok := keys[g]; !ok {
			keys[g] = profile.Key(g.Stack)
		}
		g.meet(f, g.Stack != "" && keys[g] == profile.Key(text))
	}
	for _, g := range groups {
		if g.Profile != nil {
			p.Matched += g.Profile.Count
			p.SamePlace += g.Profile.SamePlace
			g.Profile.How = fmt.Sprintf("by goid: %d of %d are in the profile, %d at this stack", g.Profile.Count,
				g.Count, g.Profile.SamePlace)
		}
	}
}

// sameRoot says whether two stacks can be of one goroutine: the function at their roots is the
// same, or one has none.
func sameRoot(a, b string) bool {
	x, y := rootOf(a), rootOf(b)
	return x == "" || y == "" || x == y
}

// rootOf is the function at the root of a stack without wrappers and the runtime's frames; empty
// where there is no more.
func rootOf(text string) string {
	frames := stack.Frames(profile.Key(text))
	if len(frames) == 0 || profile.Key(text) == text && profile.IsWrapper(frames[0]) {
		return ""
	}
	return stack.Function(frames[0])
}

func (p *ProfileSummary) miss(f *profile.Group) {
	p.Missing = append(p.Missing, Missing{f.Count, f.GoID, f.State, f.Stack, f.Labels})
}

// byStack gives what the profile has at a stack to every group there: the profile cannot tell them
// apart.
func (p *ProfileSummary) byStack(groups []*Group, prof *profile.Profile) {
	at, have := map[string][]*Group{}, map[string]int64{}
	for _, g := range groups {
		if g.Stack != "" {
			key := profile.Key(g.Stack)
			at[key] = append(at[key], g)
			have[key] += g.Count
		}
	}
	found := map[string]int64{}
	for i := range prof.Groups {
		f := &prof.Groups[i]
		key := profile.Key(f.Stack)
		if len(at[key]) == 0 || f.Stack == "" {
			p.miss(f)
			continue
		}
		found[key] += f.Count
		for _, g := range at[key] {
			g.meet(f, true)
		}
	}
	for key, n := range found {
		p.Matched += min(n, have[key])
		for _, g := range at[key] {
			g.Profile.How = fmt.Sprintf("by stack: the profile has %d at this stack, the trace %d", n, have[key])
		}
	}
	p.SamePlace = p.Matched
}

func (g *Group) meet(f *profile.Group, same bool) {
	if g.Profile == nil {
		g.Profile = new(GroupProfile)
	}
	p := g.Profile
	p.Count += f.Count
	p.WaitMinutes = max(p.WaitMinutes, f.WaitMinutes)
	if same {
		p.SamePlace += f.Count
	}
	if f.Leaked {
		p.Leaked += f.Count
	}
	for _, l := range f.Labels {
		if len(p.Labels) < maxExamples && !containsLabel(p.Labels, l) {
			p.Labels = append(p.Labels, l)
		}
	}
}

func containsLabel(labels []profile.Label, l profile.Label) bool {
	for _, other := range labels {
		if other == l {
			return true
		}
	}
	return false
}
