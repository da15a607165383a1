package info

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Pass collects what only the rows say: threads, Ps and ranges. Make one with New, run it with
// replay.Run and ask for its Result.
type Pass struct {
	threads map[[2]int32]bool
	ps      map[[2]int32]bool
	ranges  map[format.StringID]*RangeCount
	last    [2]int32 // thread of the row before
	lastP   [2]int32
	limits  []Limit
	limited int64
	held    map[limitKey]float64
	found   map[int32]*found
}

var (
	_ replay.RowPass   = (*Pass)(nil)
	_ replay.RangePass = (*Pass)(nil)
	_ replay.LimitPass = (*Pass)(nil)
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.RoundPass = (*Pass)(nil)
)

// New makes an empty pass.
func New() *Pass {
	return &Pass{
		threads: map[[2]int32]bool{}, ps: map[[2]int32]bool{},
		ranges: map[format.StringID]*RangeCount{}, held: map[limitKey]float64{},
		found: map[int32]*found{},
	}
}

// Wants implements replay.Pass: no spans.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{Suspensions: true, Columns: format.Columns(format.ColPID, format.ColTID, format.ColProc)}
}

// Spans implements replay.Pass.
func (p *Pass) Spans([]replay.Span) {}

// Rows implements replay.RowPass.
func (p *Pass) Rows(b *format.Batch) {
	for i, pid := range b.PID {
		if at := [2]int32{pid, b.TID[i]}; at != p.last && at[1] != format.Unknown {
			p.last, p.threads[at] = at, true
		}
		if at := [2]int32{pid, b.Proc[i]}; at != p.lastP && at[1] != format.Unknown {
			p.lastP, p.ps[at] = at, true
		}
	}
}

// maxLimits is how many limits are listed at most: a program may change GOMAXPROCS without end.
const maxLimits = 1000

// Begin implements replay.BeginPass: it takes what held when the recording began.
func (p *Pass) Begin(_ *replay.Names, meta *format.Metadata) {
	for _, q := range meta.Processes {
		if q.GOMAXPROCS > 0 {
			p.limit(meta.StartNS, q.PID, format.Limit{Name: format.LimitProcs, Value: float64(q.GOMAXPROCS)})
		}
		if q.CPUQuota > 0 {
			p.limit(meta.StartNS, q.PID, format.Limit{Name: format.LimitQuota, Value: q.CPUQuota})
		}
	}
}

// Limit implements replay.LimitPass.
func (p *Pass) Limit(l replay.Limit) { p.limit(l.TimeNS, l.PID, l.Limit) }

// limit takes a limit unless it says again what holds already.
func (p *Pass) limit(t int64, pid int32, l format.Limit) {
	key := limitKey{pid, l.Name}
	if held, ok := p.held[key]; ok && held == l.Value {
		return
	}
	p.held[key] = l.Value
	p.limited++
	if len(p.limits) == maxLimits {
		return
	}
	out := Limit{TimeNS: t, PID: pid, Name: l.Name}
	if l.Value != format.NoLimit {
		out.Value = &l.Value
	}
	p.limits = append(p.limits, out)
}

// Range implements replay.RangePass.
func (p *Pass) Range(r replay.Range) {
	c := p.ranges[r.Reason]
	if c == nil {
		c = new(RangeCount)
		p.ranges[r.Reason] = c
	}
	if r.Flags&replay.CensoredLeft == 0 {
		c.Count++
	}
	c.SumNS += r.End - r.Begin
	c.MaxNS = max(c.MaxNS, r.End-r.Begin)
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{
		Version: Version, BeginNS: sum.BeginNS, EndNS: sum.EndNS, DurationNS: sum.DurationNS(), Events: sum.Events,
		Gaps: sum.Gaps, GapNS: sum.GapNS, GapShare: sum.GapShare(),
		ByKind: Kinds{
			sum.ByKind[format.KindGoroutine], sum.ByKind[format.KindThread], sum.ByKind[format.KindRange],
			sum.ByKind[format.KindGap], sum.ByKind[format.KindSnapshot], sum.ByKind[format.KindLimit],
			sum.ByKind[format.KindSample], sum.ByKind[format.KindDescriptor], sum.ByKind[format.KindRound],
		},
		Goroutines: sum.Goroutines, Unannounced: sum.Unannounced, PeakAlive: sum.PeakAlive, Threads: len(p.threads),
		Ps:      len(p.ps),
		AtStart: states(sum.AtStart), AtEnd: states(sum.AtEnd), ProblemCount: sum.Counts.Total(),
		ImpliedMoves: sum.ImpliedMoves, Metadata: sum.Metadata(),
	}
	for _, m := range sum.Moves() {
		r.Moves = append(r.Moves, Move{m.Name, m.From.String(), m.To.String(), m.Count})
	}
	r.Limits, r.LimitCount = append([]Limit{}, p.limits...), p.limited
	r.Problems = problems(sum)
	r.RangeReasons = p.rangeCounts(sum.Names())
	r.Rounds = p.sampling(sum)
	r.describe()
	r.askUnwatched(sum)
	r.askSeen(sum)
	r.askRounds(r.Metadata)
	r.suspended(sum)
	r.Whole, r.Warnings = caveat.Whole(sum), caveat.Of(caveat.Trace, sum)
	r.Lead = r.lead()
	return r
}

// suspended takes the times in which processes were stopped from outside.
func (r *Result) suspended(sum *replay.Summary) {
	r.Suspended, r.SuspendedNS, r.SuspendedCount = []Suspension{}, sum.SuspendedNS, sum.SuspendedCount
	for _, s := range sum.Suspended {
		state := sum.Names().Reason(s.Reason)
		r.Suspended = append(r.Suspended, Suspension{s.Begin, s.End, s.Flags.Censored(), s.PID, state})
	}
}

func states(n [6]int64) States {
	return States{n[format.StateRunnable], n[format.StateRunning], n[format.StateSyscall], n[format.StateWaiting]}
}

func problems(sum *replay.Summary) []Problem {
	out := []Problem{}
	for _, p := range sum.Problems {
		out = append(out, Problem{
			p.Kind.String(), p.TimeNS, p.PID, p.GoID, p.Have.String(), p.From.String(), p.To.String(),
			sum.Names().Reason(p.Reason),
		})
	}
	return out
}

func (p *Pass) rangeCounts(names *replay.Names) []RangeCount {
	out := []RangeCount{}
	for reason, c := range p.ranges {
		c.Name = names.Reason(reason)
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b RangeCount) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name),
			cmp.Compare(b.SumNS, a.SumNS))
	})
	return out
}
