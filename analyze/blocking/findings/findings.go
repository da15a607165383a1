package findings

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Finding is an explanation of blocked time by a rule that matched, or a note: a pattern that explains
// no time.
type Finding struct {
	Name     string `json:"name"` // of the rule
	Title    string `json:"title"`
	Severity int    `json:"severity"` // Share in percent, see the package comment
	PID      *int32 `json:"pid"`      // null where it is about the whole trace, or the trace has no pid
	// the function, or the process that takes the CPU; empty where there is no one place
	Where       string   `json:"where"`
	At          string   `json:"at"`     // the place in the function, "file.go:12"
	Behind      string   `json:"behind"` // what stands behind it: code, a system call, a process; may be empty
	ExplainedNS int64    `json:"explained_ns"`
	Share       float64  `json:"share"` // of the blocked time of the process's goroutines; of notes 0
	Sentence    string   `json:"sentence"`
	Evidence    []string `json:"evidence"`
	Advice      string   `json:"advice"`

	machine  bool    // it is about the machine, not the program
	unknown  bool    // it says only that the trace does not know
	extent   float64 // of what is no blocked time
	explains explained
}

// Unlooked is a rule that could not look for what it is for.
type Unlooked struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Result is what the rules found and where they could not look.
type Result struct {
	Verdict  []string   `json:"verdict"`  // the answer in a few sentences, the most important first
	Findings []Finding  `json:"findings"` // those of the verdict first, then by share; notes last
	Unlooked []Unlooked `json:"unlooked"`
	Machine  []string   `json:"machine"` // what the machine is to blame for where that is no finding

	weighed bool // the findings are not in the order of their shares
	several bool // the trace is of several processes, and each finding has to say whose it is
}

// Pass gathers what the rules need beside the account of package blocking. Make one with New, run it
// with replay.Run beside the pass that it was made with, and ask for its Result.
type Pass struct {
	blocking   *blocking.Pass
	names      *replay.Names
	meta       *format.Metadata
	processes  map[int32]*process
	current    *process
	goroutines replay.ByGoroutine[goroutine] // alive
	classes    replay.ByID[reasonFacts]
	entries    replay.ByID[entryFacts]
	crowds     replay.ByID[crowdFacts] // by stack of a waker
	stacks     replay.ByID[stackFacts]
	wakers     replay.ByID[wakerFacts] // by stack of a waker
}

// reasonFacts are what a reason means, worked out once.
type reasonFacts struct {
	known, timer, assist bool
	idle                 bool // the name of the kernel's idle thread
	class                replay.Class
}

// crowdFacts say whether a waker's stack is in a call that wakes all who wait.
type crowdFacts struct{ known, all bool }

// wakerFacts say of the latest section in which a waker ended a wait whether it was in the function
// in which the other waited.
type wakerFacts struct {
	section *section
	same    bool
}

type entryFacts struct{ known, system, worker, main bool }

// markWorker is the entry function of the garbage collector's workers.
const markWorker = "runtime.gcBgMarkWorker"

var (
	_ replay.RangePass = (*Pass)(nil)
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.LimitPass = (*Pass)(nil)

	_ replay.DescriptorPass = (*Pass)(nil)

	_ replay.SuspensionPass = (*Pass)(nil)
	_ replay.SamplePass     = (*Pass)(nil)
)

// New makes an empty pass. The account of blocked time is that of the other pass, which goes over the
// same trace.
func New(b *blocking.Pass) *Pass { return &Pass{blocking: b, processes: map[int32]*process{}} }

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
			p.current.descriptors.ended(s)
			p.span(s)
		default:
			delete(p.current.descriptors.open, s.GoID)
			p.collects(s)
		}
	}
}

// Range implements replay.RangePass.
func (p *Pass) Range(r replay.Range) {
	c := &p.process(r.PID).gc
	begun := int64(1)
	if r.Flags&replay.CensoredLeft != 0 {
		begun = 0
	}
	if r.StopWorld {
		w, known := c.stops[r.Reason]
		if w.sum(waits{begun, r.End - r.Begin, r.End - r.Begin}); known || len(c.stops) < maxStacks {
			c.stops[r.Reason] = w
		}
	} else if format.ParseReason(p.names.Reason(r.Reason)) == format.ReasonMarkPhase {
		c.cycles += begun
	}
}

// Suspension implements replay.SuspensionPass.
func (p *Pass) Suspension(s replay.Suspension) {
	who, _ := replay.Suspender(p.names.Reason(s.Reason))
	q := p.process(s.PID)
	q.suspended.take(s.Len())
	if !slices.Contains(q.suspenders, who) {
		q.suspenders = append(q.suspenders, who)
	}
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
		name := p.names.Entry(entry)
		*k = entryFacts{true, stack.IsSystem(name), name == markWorker, name == "runtime.main"}
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

// frees says whether a function is on the stack of a waker.
func (p *Pass) frees(function string, id format.StringID) bool {
	return strings.Contains(p.names.Stack(id), function+" ")
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{Findings: []Finding{}, Unlooked: []Unlooked{}, Machine: []string{},
		several: len(sum.Metadata().Processes) > 1}
	looks := p.looks(sum)
	for i := range rules {
		rule := &rules[i]
		if rule.trace != nil {
			r.Findings = append(r.Findings, rule.findings(nil, rule.trace(sum))...)
		}
		why := ""
		for _, j := range looks {
			if lack := rule.lacks(j.process); lack != "" {
				why = lack
			} else if rule.find != nil {
				j.findings = append(j.findings, rule.findings(j.look, rule.find(j.look))...)
			}
		}
		if why != "" {
			r.Unlooked = append(r.Unlooked, Unlooked{rule.Name, why})
		}
	}
	for _, j := range looks {
		sortFindings(j.findings)
		j.waits = generalRule.findings(j.look, j.explainedWaits())
		j.causes = generalRule.findings(j.look, j.explainedCauses())
		r.Findings = append(r.Findings, j.findings...)
		if line := j.closing(); line != "" {
			r.Machine = append(r.Machine, r.of(j.pid)+line)
		}
	}
	sortFindings(r.Findings)
	r.Verdict = verdict(looks, r.several)
	r.verdictFirst()
	return r
}

// verdictFirst puts the findings that the verdict tells before the others, in its order.
func (r *Result) verdictFirst() {
	rank := func(f *Finding) int {
		if i := slices.Index(r.Verdict, r.whose(f)+f.Sentence); i >= 0 {
			return i
		}
		return len(r.Verdict)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(rank(&a), rank(&b)) })
	r.weighed = !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Share, a.Share) })
}

// looks are the processes as the rules see them, by PID.
func (p *Pass) looks(sum *replay.Summary) []*judged {
	accounts, busy := accounts(p.blocking), busyShare(sum.Metadata().Machine)
	var out []*judged
	for pid, q := range p.processes {
		q.learn(sum.Metadata())
		a := accounts[pid]
		if a == nil {
			a = new(account)
		}
		out = append(out, &judged{look: &look{process: q, names: p.names, account: a,
			seen: 1 - sum.GapShare(), begin: sum.BeginNS, end: sum.EndOf(pid), watchedNS: watched(sum, pid),
			busy: busy, system: p.system, known: map[*blocking.Place]*section{}}})
	}
	slices.SortFunc(out, func(a, b *judged) int { return cmp.Compare(a.pid, b.pid) })
	return out
}

// busyShare is the share of the CPUs' time in which they were busy, −1 where that is not known.
func busyShare(m *format.MachineTime) float64 {
	if m == nil || m.BusyNS+m.StealNS+m.IdleNS <= 0 {
		return -1
	}
	return float64(m.BusyNS+m.StealNS) / float64(m.BusyNS+m.StealNS+m.IdleNS)
}

func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.extent, a.extent))
	})
}

// maxHits is how many findings of one rule in one process are reported, the worst first.
const maxHits = 3

// findings are those hits that are above the floor, the most first. The look is nil where they are
// about the whole trace, and then they are notes.
func (rule *Rule) findings(l *look, hits []hit) (out []Finding) {
	for i := range hits {
		if f, ok := rule.finding(l, &hits[i]); ok {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.ExplainedNS, a.ExplainedNS), cmp.Compare(b.extent, a.extent),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.At, b.At))
	})
	if rule == &generalRule {
		return out
	}
	return out[:min(len(out), maxHits)]
}

func (rule *Rule) finding(l *look, h *hit) (f Finding, ok bool) {
	f = Finding{Name: rule.Name, Title: rule.Title, Where: h.function, At: h.at, Behind: h.behind,
		Evidence: h.evidence, Advice: cmp.Or(h.advice, rule.Advice), machine: rule.machine, extent: h.extent,
		explains: h.explains, unknown: h.unknown}
	if l != nil {
		if l.pid != format.Unknown {
			f.PID = &l.pid
		}
		f.ExplainedNS = l.account.ns(h.explains)
		f.Share = l.account.share(f.ExplainedNS)
		f.Severity = int(math.Round(100 * f.Share))
		ok = f.Severity >= MinSeverity && float64(f.ExplainedNS) >= MinExplained*float64(l.watchedNS) ||
			rule == &generalRule
	}
	if !ok {
		f.ExplainedNS, f.Share, f.Severity, f.explains = 0, 0, 0, explained{}
		ok = 100*h.extent >= MinSeverity
	}
	f.say(cmp.Or(h.clause, rule.clause(h)))
	return f, ok
}

// watched is how long a process was watched: of a recording in windows, the windows alone.
func watched(sum *replay.Summary, pid int32) int64 {
	ns := sum.EndOf(pid) - sum.BeginNS
	if sum.Windows.Count > 0 {
		ns = min(ns, sum.WatchedNS())
	}
	return ns
}
