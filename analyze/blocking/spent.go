package blocking

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
)

// spender makes the table of where time went.
type spender struct {
	*Pass
	duration int64 // watched
	windows  stats.Whole
}

func (p *Pass) spender(sum *replay.Summary) spender {
	return spender{p, sum.WatchedNS(), caveat.Windows(p.windows, sum)}
}

// classSyscall and classRunnable are the names of what is not a wait.
const (
	classRunning  = "running"
	classRunnable = "runnable"
	classSyscall  = "syscall"
	// delays of the runtime's own goroutines, which gosched latency does not count either
	classSystem = "runnable, the runtime's own"
)

// sum is what a row is made of.
type sum struct {
	lengths lengths
	system  bool
}

// merge adds the lengths of goroutines, the runtime's own or not.
func (m *sum) merge(l *lengths, system bool) {
	if m.lengths.empty() {
		m.system = system
	}
	m.lengths.merge(l)
	m.system = m.system && system
}

func (l *lengths) empty() bool { return l.Count()+l.Censored()+l.broken == 0 }

func (l *lengths) merge(other *lengths) {
	l.Merge(&other.Sampled)
	l.broken += other.broken
}

func (s spender) all(bySite map[cause.Site]map[causeKey]*group) []Spent {
	classes, reasons := map[string]*sum{}, map[string]*sum{}
	var sites []Spent
	for id, site := range s.sites.list {
		if site.lengths.empty() {
			continue
		}
		class, reason := site.class.String(), s.names.Reason(site.reason)
		if site.syscall {
			class, reason = classSyscall, strings.TrimSpace("syscall "+reason)
		}
		if site.beside == "" {
			sumOf(classes, class).merge(&site.lengths, site.system)
			sumOf(reasons, orUnknown(reason)).merge(&site.lengths, site.system)
		}
		sites = append(sites, s.site(cause.Site(id), site, reason, bySite[cause.Site(id)]))
	}
	s.runnable(classes)
	out := append([]Spent{s.running()}, s.rows("class", classes)...)
	out = append(out, s.stops()...)
	out = append(out, s.folded()...)
	out = append(out, s.rows("reason", reasons)...)
	sortSpent(sites)
	out = append(out, sites...)
	return append(out, s.byEntry()...)
}

func orUnknown(name string) string {
	if name == "" {
		return "unknown"
	}
	return name
}

func sumOf(m map[string]*sum, name string) *sum {
	if m[name] == nil {
		m[name] = new(sum)
	}
	return m[name]
}

// runnable adds the delays of the program's goroutines, and those of the runtime's own.
func (s spender) runnable(classes map[string]*sum) {
	for _, k := range s.entries {
		if k == nil {
			continue
		}
		class := classRunnable
		if k.system {
			class = classSystem
		}
		sumOf(classes, class).merge(&lengths{Sampled: k.delays.Sampled}, k.system)
	}
}

// running is the row of goroutines that run.
func (s spender) running() Spent {
	out, runs := s.row("class", classRunning, new(lengths)), new(lengths)
	for _, k := range s.entries {
		if k != nil {
			out.SumNS += k.running + k.offCPU
			runs.merge(&k.runs)
		}
	}
	out.Average = s.average(out.SumNS)
	s.scale(&out, runs)
	return out
}

func (s spender) average(ns int64) float64 { return float64(ns) / float64(max(1, s.duration)) }

func (s spender) row(by, name string, h *lengths) Spent {
	out := Spent{
		By: by, Name: name, Count: h.Count(), Censored: h.Censored(), Broken: h.broken, SumNS: h.Sum(),
		CensoredSumNS: h.CensoredSum(),
		Average:       s.average(h.Sum() + h.CensoredSum()), Percentiles: h.Percentiles(s.percentiles()),
	}
	if w := s.scale(&out, h); w != nil {
		out.Percentiles, out.intervals = w.Percentiles(s.percentiles(), confidence)
	}
	if h.Count() > 0 {
		longest := h.Max()
		out.MaxNS = &longest
	}
	return out
}

// confidence is that of the intervals of what windows stand for.
const confidence = 0.95

// scale says what lengths were in the whole time, where windows were watched; nil where not.
func (s spender) scale(out *Spent, h *lengths) *stats.Scaling {
	w := s.windows.Of(&h.Sampled)
	if w != nil && !h.empty() {
		out.Scaled = w.Scaled(confidence)
	}
	return w
}

func (s spender) rows(by string, sums map[string]*sum) []Spent {
	var out []Spent
	for name, m := range sums {
		if m.lengths.empty() {
			continue
		}
		row := s.row(by, name, &m.lengths)
		row.System = m.system
		out = append(out, row)
	}
	sortSpent(out)
	return out
}

func sortSpent(list []Spent) {
	slices.SortFunc(list, func(a, b Spent) int {
		return cmp.Or(cmp.Compare(b.SumNS+b.CensoredSumNS, a.SumNS+a.CensoredSumNS), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Stack, b.Stack))
	})
}

// site is the row of a site, with the causes of the waits there.
func (s spender) site(id cause.Site, site *site, reason string, causes map[causeKey]*group) Spent {
	row := s.row("site", orUnknown(reason), &site.lengths)
	if id == 0 {
		row.Name = "other sites"
	}
	row.Stack, row.System = s.names.Stack(site.stack), site.system
	row.Frame = stack.Culprit(row.Stack)
	row.Causes = shares(causes)
	return row
}

// shares are the causes of the waits at a site, the most first.
func shares(causes map[causeKey]*group) (out []Shared) {
	var whole int64
	list := make([]*group, 0, len(causes))
	for _, g := range causes {
		whole += g.ns
		list = append(list, g)
	}
	slices.SortFunc(list, func(x, y *group) int {
		return cmp.Or(cmp.Compare(y.ns, x.ns), cmp.Compare(x.kind, y.kind), cmp.Compare(x.name, y.name),
			cmp.Compare(x.syscall, y.syscall))
	})
	for _, g := range list {
		name := g.name
		if g.syscall != "" {
			name = g.syscall + " in " + name
		}
		out = append(out, Shared{g.kind, name, g.ns, float64(g.ns) / float64(max(1, whole))})
	}
	return out
}

// stops are the ranges: stopped worlds and phases of the garbage collector. They concern the
// process, not a goroutine.
func (s spender) stops() []Spent {
	var out []Spent
	for id, r := range s.ranges {
		row := s.row("range", s.names.Reason(id), new(lengths))
		row.Count, row.SumNS, row.Average, row.MaxNS = r.count, r.sum, s.average(r.sum), new(r.max)
		out = append(out, row)
	}
	sortSpent(out)
	return out
}

// byEntry are the rows of the entry functions: the waits of their goroutines, and how long these
// ran and could have.
func (s spender) byEntry() []Spent {
	var out []Spent
	for id, k := range s.entries {
		if k == nil {
			continue
		}
		row := s.row("entry", s.names.Entry(replay.EntryID(id)), &k.waits)
		row.Broken += k.delays.broken + k.calls.broken
		running, runnable, syscall := k.running, k.runnable, k.syscall
		row.System, row.RunningNS, row.RunnableNS, row.SyscallNS = k.system, &running, &runnable, &syscall
		out = append(out, row)
	}
	sortSpent(out)
	return out
}
