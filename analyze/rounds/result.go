package rounds

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the answer. It encodes to the document of `gosched blocking --json` and `gosched
// goroutines --json` for a trace that was sampled without probes. Every estimate has a 95% interval.
type Result struct {
	Version    int              `json:"version"`
	Sampled    bool             `json:"sampled"`     // true: the numbers are estimates from rounds
	DurationNS int64            `json:"duration_ns"` // observed
	RatePerS   float64          `json:"rate_per_s"`  // rounds that were asked for; 0: not known
	Processes  []Process        `json:"processes"`   // those that have rounds
	Warnings   []report.Warning `json:"warnings"`
	Lead       []string         `json:"lead"` // the verdict in sentences
}

// Process is where the time of a process's goroutines went.
type Process struct {
	PID       int32 `json:"pid"`
	Rounds    int64 `json:"rounds"`
	Rows      int64 `json:"rows"`       // goroutines that they read, added up
	MaxWeight int64 `json:"max_weight"` // the most goroutines that one of these stands for
	SampledNS int64 `json:"sampled_ns"` // the time in which there were rounds at random
	// What lasts for less than this share of the time may have been found by no round.
	Unseen float64 `json:"unseen"`
	Alive  Alive   `json:"alive"`
	// The program's goroutines, on average; the others are the runtime's own.
	Goroutines stats.Estimate `json:"goroutines"`
	System     stats.Estimate `json:"system"`
	Idle       stats.Estimate `json:"idle"` // share of the time of the program's goroutines
	Shares     []Share        `json:"shares"`
	More       int64          `json:"more"` // shares that are not in the list
	Groups     []Group        `json:"groups"`

	alike   float64 // how many independent rounds its rounds are worth
	leftOut int64
}

// Share is where some of the time of the program's goroutines went.
type Share struct {
	By      string          `json:"by"` // "state", "class", "reason", "function", "stack" or "entry"
	Name    string          `json:"name"`
	State   string          `json:"state,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Frame   string          `json:"frame,omitempty"` // the code, where that has one position
	Idle    bool            `json:"idle"`            // none of it is anything else
	OfTime  stats.Estimate  `json:"of_time"`
	NotIdle *stats.Estimate `json:"not_idle"` // share of the time that is not idle; nil where it is idle
	Average stats.Estimate  `json:"average"`  // goroutines there
	NS      Nanoseconds     `json:"ns"`       // Average times the sampled time
}

// Nanoseconds is an estimate of goroutines' time.
type Nanoseconds struct {
	Value int64 `json:"value"`
	Lo    int64 `json:"lo"`
	Hi    int64 `json:"hi"`
}

// The kinds of shares.
const (
	ByState    = "state"
	ByClass    = "class"
	ByReason   = "reason"
	ByFunction = "function"
	ByStack    = "stack"
	ByEntry    = "entry"
)

// maxShares is how many shares of a kind a result has.
const maxShares = 1000

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{Version: Version, Sampled: true, DurationNS: sum.DurationNS(), Processes: []Process{}}
	if s := sum.Metadata().GoroutineSampling; s != nil {
		r.RatePerS = s.RatePerS
	}
	for _, pid := range slices.Sorted(maps.Keys(p.processes)) {
		r.Processes = append(r.Processes, p.processes[pid].result(pid, p.names, sum))
	}
	r.Warnings = append(caveat.Of(caveat.Rounds, sum), r.warnings()...)
	r.Lead = r.lead()
	return r
}

// view is a process's rounds, ready to be asked for shares.
type view struct {
	*process
	facts          []fact
	rounds         stats.Rounds
	program, other []float64 // by block: the program's goroutines, and those of them that are not idle
	sampledNS      int64
	room           []float64
	partial        map[part][]int // places of goroutines of which only a part of the stack is known
}

func (p *process) view(pid int32, names *replay.Names, sum *replay.Summary) *view {
	v := &view{process: p, facts: p.facts(names), rounds: p.tally.sizes(), partial: map[part][]int{}}
	n := len(v.rounds)
	v.program, v.other, v.room = make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range v.facts {
		if f := &v.facts[i]; !f.system {
			if f.partial {
				v.partial[f.partly()] = append(v.partial[f.partly()], i)
			}
			p.tally.into(i, v.program)
			if !f.idle {
				p.tally.into(i, v.other)
			}
		}
	}
	for _, s := range sum.Sampled {
		if s.PID == pid {
			v.sampledNS = s.NS
		}
	}
	return v
}

func (p *process) result(pid int32, names *replay.Names, sum *replay.Summary) Process {
	v := p.view(pid, names, sum)
	out := Process{PID: pid, Rounds: p.tally.rounds, Rows: p.rows, MaxWeight: p.maxWeight, SampledNS: v.sampledNS,
		Unseen: 1 - math.Pow(0.05, 1/float64(max(1, p.tally.rounds))), Goroutines: v.rounds.Mean(v.program),
		Alive: v.alive()}
	idle, system := make([]float64, len(v.rounds)), make([]float64, len(v.rounds))
	for i := range v.facts {
		switch f := &v.facts[i]; {
		case f.system:
			p.tally.into(i, system)
		case f.idle:
			p.tally.into(i, idle)
		}
	}
	out.System, out.Idle = v.rounds.Mean(system), v.rounds.Share(idle, v.program)
	for _, by := range dimensions {
		list, more := v.shares(by)
		out.Shares, out.More = append(out.Shares, list...), out.More+more
	}
	out.alike, out.leftOut = v.rounds.Alike(idle, v.program), p.leftOut
	out.Groups = v.groups(sum.EndOf(pid) - sum.BeginNS)
	return out
}

// dimensions are the kinds of shares, with what tells them apart.
var dimensions = []dimension{
	{ByState, false, func(f *fact) Share { return Share{Name: f.state.String()} }},
	{ByClass, false, func(f *fact) Share { return Share{Name: f.className()} }},
	{ByReason, false, func(f *fact) Share { return Share{Name: f.doing()} }},
	{ByFunction, true, func(f *fact) Share {
		return Share{Name: f.function(), State: f.state.String(), Reason: f.why, Frame: f.frame()}
	}},
	{ByStack, true, func(f *fact) Share { return Share{Name: f.text, State: f.state.String(), Reason: f.why} }},
	{ByEntry, false, func(f *fact) Share { return Share{Name: f.entryName} }},
}

type dimension struct {
	by     string
	placed bool              // by where in the code goroutines are
	of     func(*fact) Share // without its numbers
}

// shareKey tells shares of a kind apart.
type shareKey struct{ name, state, reason, frame string }

// shares are those of a kind, the largest that is not idle first.
func (v *view) shares(d dimension) (out []Share, more int64) {
	places := map[shareKey][]int{}
	for i := range v.facts {
		f := &v.facts[i]
		s := d.of(f)
		if key := (shareKey{s.Name, s.State, s.Reason, s.Frame}); !f.system && s.Name != "" && i != beyond {
			places[key] = append(places[key], i)
		}
	}
	for _, list := range places {
		s := d.of(&v.facts[list[0]])
		s.By = d.by
		v.estimate(&s, list)
		if d.placed {
			v.mayBe(&s, list)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.busy(), a.busy()), cmp.Compare(b.OfTime.Value, a.OfTime.Value),
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Frame, b.Frame))
	})
	if len(out) > maxShares {
		out, more = out[:maxShares], int64(len(out)-maxShares)
	}
	return out, more
}

// busy is the share of the time that is not idle.
func (s *Share) busy() float64 {
	if s.NotIdle == nil {
		return 0
	}
	return s.NotIdle.Value
}

// estimate fills in the numbers of what is at some places.
func (v *view) estimate(s *Share, places []int) {
	counts := v.room
	clear(counts)
	for _, i := range places {
		v.tally.into(i, counts)
	}
	s.OfTime, s.Average = v.rounds.Share(counts, v.program), v.rounds.Mean(counts)
	s.NS = nanoseconds(s.Average.Times(float64(v.sampledNS)))
	s.Idle = !slices.ContainsFunc(places, func(i int) bool { return !v.facts[i].idle })
	if s.Idle {
		return
	}
	clear(counts)
	for _, i := range places {
		if !v.facts[i].idle {
			v.tally.into(i, counts)
		}
	}
	busy := v.rounds.Share(counts, v.other)
	s.NotIdle = &busy
}

// mayBe raises the upper ends of a share of one place by the goroutines that may have been there, too:
// they were in the same state for the same reason, and moved while their stacks were read.
func (v *view) mayBe(s *Share, places []int) {
	also := slices.Clone(places)
	for _, i := range places {
		if f := &v.facts[i]; !f.partial {
			also = append(also, v.partial[f.partly()]...)
		}
	}
	if slices.Sort(also); len(also) == len(places) {
		return
	}
	most := *s
	v.estimate(&most, slices.Compact(also))
	s.OfTime.Hi, s.Average.Hi = max(s.OfTime.Hi, most.OfTime.Hi), max(s.Average.Hi, most.Average.Hi)
	s.NS.Hi = max(s.NS.Hi, most.NS.Hi)
	if s.NotIdle != nil && most.NotIdle != nil {
		s.NotIdle.Hi = max(s.NotIdle.Hi, most.NotIdle.Hi)
	}
}

// nanoseconds is an estimate in whole ones. What has no upper end is as long as there can be.
func nanoseconds(e stats.Estimate) Nanoseconds {
	whole := func(v float64) int64 {
		if math.IsNaN(v) {
			return 0
		}
		return int64(min(math.Round(v), math.MaxInt64/2))
	}
	return Nanoseconds{whole(e.Value), whole(e.Lo), whole(e.Hi)}
}
