package summary

import (
	"context"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
)

// The most that is kept of a recording, those with the most time.
const (
	maxSites      = 500
	maxPairs      = 1000
	maxNames      = 500 // groups of one metric by reason or entry function; what is beyond is in one called other
	maxCauses     = 50
	maxSiteCauses = 5
	maxTextBytes  = 1 << 15 // of a name or a stack
)

// The names in the place of a reason that there is not.
const (
	UnknownReason = "unknown" // the trace gives none
	OtherReason   = other     // of several, which are beyond what is kept apart
)

// other is the name of the group of what is beyond.
const other = "other"

// Passes are the questions that a summary asks of one walk. Make them with New, give all of them to
// the walk and ask for the Recording.
type Passes struct {
	blocking   *blocking.Pass
	rules      *findings.Pass
	goroutines *goroutines.Pass
	latency    *latency.Pass
	limits     *limits
}

// New makes empty passes.
func New() *Passes {
	waits := blocking.New()
	return &Passes{waits, findings.New(waits), goroutines.New(), latency.New(), new(limits)}
}

// All are the passes for a walk.
func (p *Passes) All() []replay.Pass {
	return []replay.Pass{p.blocking, p.rules, p.goroutines, p.latency, p.limits}
}

// Of makes what is kept of a recording, in one walk over its trace. The same trace gives the same
// Recording.
func Of(ctx context.Context, src replay.Source) (*Recording, error) {
	meta := src.Metadata()
	if err := caveat.Refuse(caveat.Comparison, &meta); err != nil {
		return nil, err
	}
	p := New()
	sum, err := replay.Run(ctx, src, p.All()...)
	if err != nil {
		return nil, err
	}
	return p.Recording(sum), nil
}

// Results are those of the analyzers whose passes these are, in the order of All.
func (p *Passes) Results(sum *replay.Summary) []any {
	return []any{p.blocking.Result(sum), p.rules.Result(sum), p.goroutines.Result(sum, nil), p.latency.Result(sum)}
}

// Recording is what is kept of what the walk has seen, given what it says of the trace.
func (p *Passes) Recording(sum *replay.Summary) *Recording {
	waits := p.blocking.Result(sum)
	r := &Recording{Info: p.info(sum, waits), Pairs: pairsOf(waits.Wakers)}
	b := builder{}
	p.delays(b, sum)
	p.entries(b)
	sites := p.blocking.Sites()
	waitsAndCalls(b, sites)
	b.bound()
	left := b.sites(sites)
	r.Info.SitesBeyond, r.Info.BeyondNS, r.Info.BeyondSumNS = left.sites, left.mostNS, left.sumNS
	r.Groups = b.sorted()
	r.Info.ID = identify(r)
	return r
}

// Group is the group of a key, nil where there is none.
func (r *Recording) Group(key Key) *Group {
	i, found := find(r.Groups, key)
	if !found {
		return nil
	}
	return &r.Groups[i]
}
