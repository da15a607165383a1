package goroutines

import (
	"maps"
	"slices"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// LastRound lays a goroutine profile beside the last round of each process, for traces that were
// sampled without probes. Make one with NewLastRound, run it with replay.Run and ask for Beside. It
// keeps about 80 bytes for each goroutine of a round.
type LastRound struct {
	names  *replay.Names
	rounds map[int32][]replay.RoundGoroutine
}

var (
	_ replay.BeginPass = (*LastRound)(nil)
	_ replay.RoundPass = (*LastRound)(nil)
)

// NewLastRound makes an empty pass.
func NewLastRound() *LastRound {
	return &LastRound{rounds: map[int32][]replay.RoundGoroutine{}}
}

// Wants implements replay.Pass: no spans.
func (p *LastRound) Wants() replay.Wants { return replay.Wants{} }

// Spans implements replay.Pass.
func (p *LastRound) Spans([]replay.Span) {}

// Begin implements replay.BeginPass.
func (p *LastRound) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

// Round implements replay.RoundPass.
func (p *LastRound) Round(r *replay.Round) {
	p.rounds[r.PID] = append(p.rounds[r.PID][:0], r.Goroutines...)
}

// Beside is a profile beside goroutines of which nothing is known but where they stand.
type Beside struct {
	*ProfileSummary
	Groups []BesideGroup `json:"groups"`

	result Result
}

// BesideGroup is the goroutines of one go statement that stand at one place.
type BesideGroup struct {
	PID       int32         `json:"pid"`
	Count     int64         `json:"count"` // of those that the round read
	State     string        `json:"state"`
	Reason    string        `json:"reason,omitempty"`
	Stack     string        `json:"stack"`
	CreatedBy string        `json:"created_by,omitempty"`
	Profile   *GroupProfile `json:"profile"` // nil: the profile has none of them
}

// Beside lays a profile beside the last rounds, given what the walk says of the trace.
func (p *LastRound) Beside(sum *replay.Summary, prof *profile.Profile) *Beside {
	var groups []*Group
	for _, pid := range slices.Sorted(maps.Keys(p.rounds)) {
		groups = append(groups, p.groups(pid)...)
	}
	slices.SortFunc(groups, compareGroups)
	out := &Beside{ProfileSummary: join(groups, sum, prof), Groups: []BesideGroup{}}
	for _, g := range groups {
		out.result.Groups = append(out.result.Groups, *g)
		out.Groups = append(out.Groups, BesideGroup{g.PID, g.Count, g.State, g.Reason, g.Stack, g.CreatedBy, g.Profile})
	}
	return out
}

func (p *LastRound) groups(pid int32) (out []*Group) {
	byKey := map[groupKey]*Group{}
	for i := range p.rounds[pid] {
		r := &p.rounds[pid][i]
		g := &goroutine{GoroutineID: replay.GoroutineID{PID: pid, GoID: r.GoID}, goStack: r.CreatedAt, entry: r.Entry}
		key := groupKey{g.origin(p.names), r.State, r.Reason, r.Stack}
		group := byKey[key]
		if group == nil {
			group = &Group{PID: pid, State: stateNames[r.State], Reason: p.names.Reason(r.Reason),
				Entry: p.names.Entry(r.Entry), CreatedBy: key.createdBy}
			group.Stack, _ = unmarked(p.names.Stack(r.Stack))
			group.System = stack.IsSystem(group.Entry)
			byKey[key] = group
			out = append(out, group)
		}
		group.Count++
		group.members = append(group.members, g)
		if len(group.GoIDs) < maxExamples {
			group.GoIDs = append(group.GoIDs, r.GoID)
		}
	}
	return out
}

// Fact says in a line how the profile fits.
func (b *Beside) Fact() report.Fact {
	return report.Fact{Name: "profile", Value: report.Text(b.sentence())}
}

// Tables are the groups beside the profile, and what of it they do not have.
func (b *Beside) Tables() []report.Table {
	return []report.Table{b.result.profileTable(), b.missingTable()}
}

// Warnings say what is wrong with the profile for this trace.
func (b *Beside) Warnings() []report.Warning { return b.warnings(&b.result) }
