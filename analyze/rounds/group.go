package rounds

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Group is the goroutines of one go statement that the last round found at one place.
type Group struct {
	Count     int64          `json:"count"` // that the last round found; estimated where it read only some
	Average   stats.Estimate `json:"average"`
	State     string         `json:"state"`
	Reason    string         `json:"reason,omitempty"`
	Class     string         `json:"class,omitempty"`
	Entry     string         `json:"entry"`
	Stack     string         `json:"stack"`
	CreatedBy string         `json:"created_by,omitempty"`
	System    bool           `json:"system"`
	Idle      bool           `json:"idle"`
	GoIDs     []format.GoID  `json:"goids"` // the first few
	// Of the goroutines, those that every round that found them found here, and at least two did.
	Still int64 `json:"still"`
	// Of these, the one that rounds have found here for longest: how many, and from the first of
	// them to the last.
	Rounds int64 `json:"rounds"`
	ForNS  int64 `json:"for_ns"`
	// Goroutines that rounds found here and, later, did not.
	Left     int64  `json:"left"`
	Came     int64  `json:"came"` // of those that are still here, the ones that the first round did not find
	Verdict  string `json:"verdict,omitempty"`
	Evidence string `json:"evidence"`
	// How many more there are here at the end than at the beginning; nil where not more than by chance.
	Growth *stats.Estimate `json:"growth,omitempty"`

	fact   *fact
	thirds [3]int64 // of those that came: in which third of the time
	always int64    // of those that are still here, the ones that all rounds found
}

// maxExamples is how many ids of a group are listed.
const maxExamples = 10

// groups are those of the goroutines that the last round found, the largest first.
func (v *view) groups(observedNS int64) []Group {
	byPlace := map[int32]*Group{}
	for _, g := range v.sorted() {
		group := byPlace[g.place]
		if group == nil {
			group = v.group(g.place)
			byPlace[g.place] = group
		}
		v.include(group, g)
	}
	out := []Group{}
	for place, g := range byPlace {
		if g.Count == 0 {
			continue // the last round read others
		}
		clear(v.room)
		v.tally.into(int(place), v.room)
		g.Average, g.Growth = v.rounds.Mean(v.room), v.grown(v.room)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), slices.Compare(a.GoIDs, b.GoIDs))
	})
	v.judge(out, observedNS)
	return out
}

func (v *view) group(place int32) *Group {
	f := &v.facts[place]
	return &Group{
		State: f.state.String(), Reason: f.why, Class: f.className(), Entry: f.entryName, Stack: f.text,
		CreatedBy: f.createdBy, System: f.system, Idle: f.idle, GoIDs: []format.GoID{}, Left: v.left[place], fact: f,
	}
}

// include counts a goroutine in.
func (v *view) include(to *Group, g *goroutine) {
	if g.latest == v.tally.rounds {
		to.Count += g.weight
	}
	if len(to.GoIDs) < maxExamples {
		to.GoIDs = append(to.GoIDs, g.id)
	}
	if g.here < g.seen || g.here < 2 || to.fact.state != format.StateWaiting {
		return
	}
	to.Still++
	if length := g.lastNS - g.hereNS; length >= to.ForNS {
		to.ForNS, to.Rounds = length, max(to.Rounds, g.here)
	}
	if g.early {
		if g.here == v.tally.rounds {
			to.always++
		}
		return
	}
	to.Came++
	if length := v.lastNS - v.firstNS; length > 0 {
		to.thirds[min(2, 3*(g.firstNS-v.firstNS)/length)]++
	}
}

// function and position are what people know a group by.
func (g *Group) function() string { return g.fact.function() }

func (g *Group) position() string { return stack.Position(g.fact.frame()) }

// canLeak says whether what the goroutines wait for can be something that never comes.
func (g *Group) canLeak() bool {
	switch g.fact.class {
	case replay.ClassChannel, replay.ClassSelect, replay.ClassMutex, replay.ClassSync, replay.ClassForever:
		return g.State == format.StateWaiting.String() && g.Entry != "runtime.main" && g.Entry != "main.main"
	}
	return false
}
