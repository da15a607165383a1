package findings

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Finding is a rule that matched.
type Finding struct {
	Name     string `json:"name"` // of the rule
	Title    string `json:"title"`
	Severity int    `json:"severity"` // 0 to 100, see the package comment
	PID      *int32 `json:"pid"`      // null where it is about the whole trace, or the trace has no pid
	// the code, or the process that takes the CPU; empty where there is no one place
	Where    string   `json:"where"`
	LostNS   *int64   `json:"lost_ns"` // time lost, null for rules that are not about time
	Evidence []string `json:"evidence"`
	Advice   string   `json:"advice"`
}

// Unlooked is a rule that could not look for what it is for.
type Unlooked struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Result is what the rules found and where they could not look.
type Result struct {
	Findings []Finding  `json:"findings"` // the most severe first
	Unlooked []Unlooked `json:"unlooked"`

	several bool // the trace is of several processes, and each finding has to say whose it is
}

// Pass gathers what the rules need. Make one with New, run it with replay.Run and ask for its
// Result.
type Pass struct {
	names      *replay.Names
	meta       *format.Metadata
	processes  map[int32]*process
	current    *process
	goroutines replay.ByGoroutine[goroutine] // alive
	classes    replay.ByID[reasonFacts]
	entries    replay.ByID[entryFacts]
	crowds     replay.ByID[crowdFacts] // by stack of a waker
}

// reasonFacts are what a reason means, worked out once.
type reasonFacts struct {
	known, timer, assist bool
	idle                 bool // the name of the kernel's idle thread
	class                replay.Class
	send                 bool
}

// crowdFacts say whether a waker's stack is in a call that wakes all who wait.
type crowdFacts struct{ known, all bool }

type entryFacts struct{ known, system bool }

var (
	_ replay.RangePass = (*Pass)(nil)
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.LimitPass = (*Pass)(nil)
)

// New makes an empty pass.
func New() *Pass { return &Pass{processes: map[int32]*process{}} }

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true, Threads: true}
}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, meta *format.Metadata) { p.names, p.meta = names, meta }

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		if p.current == nil || p.current.pid != s.PID {
			p.current = p.process(s.PID)
		}
		switch {
		case s.Thread:
			p.thread(s)
		case !p.system(s.Entry):
			p.span(s)
		}
	}
}

// Range implements replay.RangePass.
func (p *Pass) Range(r replay.Range) {
	if !r.StopWorld {
		return
	}
	s := &p.process(r.PID).stops
	if r.Flags&replay.CensoredLeft == 0 {
		s.count++
	}
	s.sumNS += r.End - r.Begin
	s.maxNS = max(s.maxNS, r.End-r.Begin)
}

// Limit implements replay.LimitPass.
func (p *Pass) Limit(l replay.Limit) {
	switch q := p.process(l.PID); l.Name {
	case format.LimitProcs:
		q.procs = l.Value
	case format.LimitQuota:
		q.quota = l.Value
	}
}

func (p *Pass) process(pid int32) *process {
	q := p.processes[pid]
	if q == nil {
		q = newProcess(pid)
		p.processes[pid] = q
		if q.learn(p.meta); q.meta != nil {
			q.procs, q.quota = float64(q.meta.GOMAXPROCS), q.meta.CPUQuota
		}
	}
	return q
}

// learn takes what the trace says of the process, which may be more at its end.
func (q *process) learn(meta *format.Metadata) {
	for i := range meta.Processes {
		if meta.Processes[i].PID == q.pid {
			q.meta = &meta.Processes[i]
		}
	}
}

func (p *Pass) system(entry replay.EntryID) bool {
	k := p.entries.At(uint32(entry))
	if !k.known {
		*k = entryFacts{known: true, system: stack.IsSystem(p.names.Entry(entry))}
	}
	return k.system
}

// assists are the reasons to wait because the collector wants help.
var assists = map[string]bool{"GC assist marking": true, "GC assist wait": true, "GC mark assist wait for work": true}

func (p *Pass) reason(id format.StringID) reasonFacts {
	f := p.classes.At(uint32(id))
	if !f.known {
		text := p.names.Reason(id)
		ours := format.ParseReason(text)
		*f = reasonFacts{
			known: true, timer: ours == format.ReasonTimer, idle: ours == format.ReasonSwapper, assist: assists[text],
			class: replay.ClassOf(text),
			send:  text == "chan send",
		}
	}
	return *f
}

// wakesAll says whether a waker is in a call that wakes all who wait.
func (p *Pass) wakesAll(id format.StringID) bool {
	f := p.crowds.At(uint32(id))
	if !f.known {
		text := p.names.Stack(id)
		*f = crowdFacts{true, strings.Contains(text, "sync.(*Cond).Broadcast ") ||
			strings.Contains(text, "runtime.closechan ")}
	}
	return f.all
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{Findings: []Finding{}, Unlooked: []Unlooked{}, several: len(sum.Metadata().Processes) > 1}
	var pids []int32
	for pid, q := range p.processes {
		pids = append(pids, pid)
		q.learn(sum.Metadata())
	}
	slices.Sort(pids)
	for i := range rules {
		rule := &rules[i]
		if rule.trace != nil {
			r.report(rule, nil, 0, rule.trace(sum))
		}
		why := ""
		for _, pid := range pids {
			q := p.processes[pid]
			if lack := rule.lacks(q); lack != "" {
				why = lack
			} else if rule.find != nil {
				r.report(rule, q, sum.DurationOf(pid), rule.find(&look{process: q, names: p.names, begin: sum.BeginNS,
					end: sum.EndOf(pid)}))
			}
		}
		if why != "" {
			r.Unlooked = append(r.Unlooked, Unlooked{rule.Name, why})
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return r
}

// maxHits is how many findings of one rule in one process are reported, the worst first.
const maxHits = 3

// report makes findings of those hits that are above the floor.
func (r *Result) report(rule *Rule, q *process, duration int64, hits []hit) {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.lostNS, a.lostNS), cmp.Compare(b.share, a.share), cmp.Compare(a.where, b.where))
	})
	for _, h := range hits[:min(len(hits), maxHits)] {
		f := Finding{Name: rule.Name, Title: rule.Title, Where: h.where, Evidence: h.evidence, Advice: rule.Advice}
		share := h.share
		if h.lostNS > 0 {
			if float64(h.lostNS) < MinLost*float64(duration) {
				continue
			}
			f.LostNS = &h.lostNS
			share = float64(h.lostNS) / float64(h.lostNS+max(q.ranNS, duration/minRan))
		}
		if f.Severity = int(math.Round(100 * min(1, max(0, share)))); f.Severity < MinSeverity {
			continue
		}
		if q != nil && q.pid != format.Unknown {
			f.PID = &q.pid
		}
		r.Findings = append(r.Findings, f)
	}
}
