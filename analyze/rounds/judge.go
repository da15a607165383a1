package rounds

import (
	"fmt"
	"math"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// The verdicts.
const (
	Leaked = "leaked"
	Stuck  = "stuck"
	Grows  = "grows"
	Idle   = "idle"
)

// Below these nothing is said of goroutines that do not move.
const (
	leastNS     = 500_000_000
	leastRounds = 30
)

// rule is a way to come to a verdict.
type rule struct {
	verdict  string
	rounds   bool                       // it takes many of them
	evidence func(*view, *Group) string // empty where the rule does not hold
}

// rules are tried in order; the first that gives evidence decides.
var rules = []rule{
	{Idle, false, ofRuntime},
	{Leaked, false, onNilChannel},
	{Leaked, true, onlyCome},
	{Stuck, true, neverMoves},
	{Grows, true, becomeMore},
	{Idle, false, waitsForWork},
}

func (v *view) judge(groups []Group, observedNS int64) {
	attended := attendants(groups)
	enough := observedNS >= leastNS && v.tally.rounds >= leastRounds
	for i := range groups {
		g := &groups[i]
		for _, r := range rules {
			if r.rounds && !enough || r.verdict == Leaked && attended(g) {
				continue
			}
			if g.Evidence = r.evidence(v, g); g.Evidence != "" {
				g.Verdict = r.verdict
				break
			}
		}
		if g.Verdict == "" {
			g.Evidence = v.stands(g)
		}
	}
}

// attendants says of which groups there is a goroutine from the same function for each that waits for
// the network: it may be what ends them when a peer goes, as of a connection's reader and writer.
func attendants(groups []Group) func(*Group) bool {
	n := map[string]int64{}
	for i := range groups {
		if g := &groups[i]; g.fact.class == replay.ClassNetwork && g.State == format.StateWaiting.String() {
			n[stack.Function(g.CreatedBy)] += g.Count
		}
	}
	return func(g *Group) bool {
		return g.CreatedBy != "" && 10*n[stack.Function(g.CreatedBy)] >= 9*g.Count && !g.fact.nilChannel()
	}
}

func ofRuntime(_ *view, g *Group) string {
	if !g.System {
		return ""
	}
	return "the runtime's own"
}

func onNilChannel(_ *view, g *Group) string {
	if !g.fact.nilChannel() {
		return ""
	}
	return "waits for a nil channel, which nothing can end"
}

func onlyCome(v *view, g *Group) string {
	if !g.canLeak() || g.Left > 0 || v.maxWeight > 1 || g.thirds[0] == 0 || g.thirds[1] == 0 || g.thirds[2] == 0 {
		return ""
	}
	return fmt.Sprintf("%d came in the %s that were sampled, and no round saw one leave", g.Came,
		report.FormatDuration(v.sampledNS))
}

func neverMoves(v *view, g *Group) string {
	unwanted := g.fact.class == replay.ClassMutex || strings.HasPrefix(g.Reason, "chan send")
	if g.State != format.StateWaiting.String() || !unwanted || g.always == 0 {
		return ""
	}
	return v.stands(g)
}

// becomeMore is before what is idle: goroutines that wait for work are as many as before.
func becomeMore(_ *view, g *Group) string {
	if g.Growth == nil {
		return ""
	}
	return "they become more: by " + average(*g.Growth)
}

func waitsForWork(_ *view, g *Group) string {
	if !g.Idle {
		return ""
	}
	return "waits for work, or for a time"
}

// stands says how long the group's goroutines have been where they are, as far as rounds tell.
func (v *view) stands(g *Group) string {
	if g.Still == 0 || g.Rounds < 2 {
		return ""
	}
	who, all := report.FormatNumber(g.Still, "goroutine"), report.FormatCount(g.Rounds)+" rounds that found it"
	if g.Still > 1 {
		who = fmt.Sprintf("the first of %d goroutines", g.Still)
	}
	if g.Rounds == v.tally.rounds {
		all = "all " + report.FormatNumber(g.Rounds, "round")
	}
	return fmt.Sprintf("%s: at the same place in %s, over %s, elsewhere for less than %s of it", who, all,
		report.FormatDuration(g.ForNS), report.FormatShare(1-math.Pow(0.05, 1/float64(g.Rounds))))
}
