package blocking

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// marker is a sample of a running goroutine: where it was.
type marker struct {
	at    int64
	stack format.StringID
}

// maxMarks is how many samples of one stretch of running are kept in a past: of more, every so many.
// One stands for them.
const maxMarks = 16

// maxMarkers bounds the samples of a goroutine that has not stopped running.
const maxMarkers = 1 << 10

// fewestSamples is how many samples it takes to say what ran before the end of stretches.
const fewestSamples = 10

// sampling is what samples tell.
type sampling struct {
	period int64
	total  int64
	seen   map[onCPU]int64
	like   map[string]format.StringID // a stack for each function
	stacks replay.ByID[format.StringID]
}

// onCPU is what was seen on a CPU.
type onCPU struct {
	stack format.StringID // one of those that end in the function
	where format.Reason
}

// maxSeen bounds what is told apart on CPUs.
const maxSeen = 1 << 14

// Samples implements replay.SamplePass.
func (p *Pass) Samples(samples []replay.Sample) {
	for i := range samples {
		s := &samples[i]
		like := p.alike(s.Stack)
		p.sampling.period = s.PeriodNS
		p.sampling.total++
		key := onCPU{like, s.Where}
		if _, ok := p.sampling.seen[key]; !ok && len(p.sampling.seen) >= maxSeen {
			key = onCPU{}
		}
		p.sampling.seen[key]++
		if s.State != format.StateRunning || like == format.NullString {
			continue
		}
		p.current = p.process(s.PID)
		if g := p.goroutine(s.GoID); len(g.samples) < maxMarkers {
			g.samples = append(g.samples, marker{s.TimeNS, like})
		}
	}
}

// alike is one stack for all that have the same function that is not plumbing, so that they count
// together.
func (p *Pass) alike(id format.StringID) format.StringID {
	if id == format.NullString {
		return id
	}
	at := p.sampling.stacks.At(uint32(id))
	if *at == format.NullString {
		text := p.names.Stack(id)
		name := stack.Function(ranFrame(text))
		if collects(text) {
			name = "" // of the collector it is enough
		}
		first, ok := p.sampling.like[name]
		if !ok {
			first = id
			p.sampling.like[name] = id
		}
		*at = first
	}
	return *at
}

// ranFrame is the frame that a sampled stack is known by: the innermost that is not plumbing, and of a
// thread without a goroutine the innermost.
func ranFrame(text string) string {
	for _, root := range threadRoots {
		if strings.HasPrefix(text, root+" ") {
			return text[strings.LastIndexByte(text, ';')+1:]
		}
	}
	return stack.Culprit(text)
}

// threadRoots are what the system stacks of threads without a goroutine begin with.
var threadRoots = []string{"runtime.mcall", "runtime.mstart", "runtime.rt0_go"}

// marks gives the samples in [from, to), the earliest first, at most maxMarks of them, and how many
// each stands for.
func (g *goroutine) marks(from, to int64) (list []marker, weight int64) {
	if to <= from || len(g.samples) == 0 {
		return nil, 1
	}
	first, _ := slices.BinarySearchFunc(g.samples, from, func(m marker, t int64) int { return cmp.Compare(m.at, t) })
	last, _ := slices.BinarySearchFunc(g.samples, to, func(m marker, t int64) int { return cmp.Compare(m.at, t) })
	list = g.samples[first:last]
	if len(list) <= maxMarks {
		return list, 1
	}
	every := (len(list) + maxMarks - 1) / maxMarks
	var few []marker
	for i := every / 2; i < len(list); i += every {
		few = append(few, list[i])
	}
	return few, int64(every)
}

// run appends to a history that something ran until end. Each sample is a nanosecond of what was
// seen in it: too short to count as time, and enough to be counted itself, wherever the time goes.
func (p *Pass) run(h *cause.History, g *goroutine, end int64, id cause.ID, counted bool) {
	if len(g.samples) == 0 {
		h.Add(end, id, counted, p.pool)
		return
	}
	marks, weight := g.marks(h.End(), end)
	rest := counted // what is left of the stretch is no other
	for _, m := range marks {
		if m.at+weight > end {
			break
		}
		h.Add(m.at, id, rest, p.pool)
		h.Add(max(m.at, h.End())+weight, p.nodes.Sampled(id, m.stack), counted, p.pool)
		rest = true
	}
	h.Add(end, id, rest, p.pool)
}

// running appends what run would to a list of parts.
func (p *Pass) running(g *goroutine, from, to int64, id cause.ID, list []cause.Part) []cause.Part {
	marks, weight := g.marks(from, to)
	if k := p.nodes.At(id).Kind; k != KindRunning {
		marks = nil
	}
	for _, m := range marks {
		if m.at < from || m.at+weight > to {
			continue
		}
		if m.at > from {
			list = append(list, cause.Part{ID: id, NS: m.at - from})
		}
		list = append(list, cause.Part{ID: p.nodes.Sampled(id, m.stack), NS: weight})
		from = m.at + weight
	}
	if to > from {
		list = append(list, cause.Part{ID: id, NS: to - from})
	}
	return list
}

// credits says for each cause that is known by where stretches ended what was sampled in them.
type credits map[cause.ID]*credited

// credited is what ran before an end.
type credited struct {
	leaves  []sampledLeaf // in the order of their ids
	weight  int64         // of all
	samples int64         // distinct ones
	// those in which no code of the program is seen, such as in a stack that could not be followed;
	// they are not among the others
	nameless int64
	ns       int64 // that was distributed
}

// sampledLeaf is one thing that was seen to run.
type sampledLeaf struct {
	id              cause.ID
	weight, samples int64
}

// enough says whether the samples tell what ran.
func (c *credited) enough() bool {
	return c != nil && c.samples >= fewestSamples && c.samples >= c.nameless
}

// noLeaf is the place of samples that name no code of the program.
const noLeaf = -1

// add takes the samples of a leaf, and gives its place in c.leaves, plus 1.
func (c *credited) add(leaf cause.ID, samples int64, named bool) int {
	if !named {
		c.nameless += samples
		return noLeaf
	}
	c.leaves = append(c.leaves, sampledLeaf{id: leaf, samples: samples})
	c.samples += samples
	return len(c.leaves)
}

// credits are those of a process.
func (p *Pass) credits(q *process) credits {
	all := credits{}
	at := map[cause.ID]int{} // of a leaf, plus 1, or noLeaf
	for id := range q.totals {
		t := &q.totals[id]
		if t.ns == 0 {
			continue
		}
		leaf := p.nodes.At(cause.ID(id)).Leaf
		until, ok := p.nodes.Until(leaf)
		if !ok {
			continue
		}
		c := all[until]
		if c == nil {
			c = new(credited)
			all[until] = c
		}
		if at[leaf] == 0 {
			text := p.names.Stack(format.StringID(p.nodes.At(leaf).Where))
			at[leaf] = c.add(leaf, q.totals[leaf].times, stack.Named(text))
		}
		if at[leaf] == noLeaf {
			continue
		}
		c.leaves[at[leaf]-1].weight += t.ns
		c.weight += t.ns
	}
	return all
}

// credit gives the totals of a process in which the time of stretches that are known by their ends
// is that of what was sampled in them, in proportion.
func (p *Pass) credit(q *process) ([]total, credits) {
	all := p.credits(q)
	out := slices.Clone(q.totals[:min(len(q.totals), p.nodes.Len())])
	for id, t := range slices.Clone(out) {
		if _, sampled := p.nodes.Until(cause.ID(id)); sampled { // its times are samples
			out[id].times -= t.times
			out[id].delays -= t.delays
		}
		if t.ns == 0 && t.times == 0 {
			continue
		}
		c := all[p.nodes.At(cause.ID(id)).Leaf]
		if !c.enough() {
			continue
		}
		c.ns += t.ns
		out[id] = total{}
		var before int64
		for i := range c.leaves {
			l := &c.leaves[i]
			to := int(p.nodes.WithLeaf(cause.ID(id), l.id))
			if to >= len(out) {
				out = append(out, make([]total, to+1-len(out))...)
			}
			out[to].addPart(&t, before, before+l.weight, c.weight)
			before += l.weight
		}
	}
	return out, all
}

// addPart adds the part of another from a/whole to b/whole.
func (t *total) addPart(of *total, a, b, whole int64) {
	part := func(n int64) int64 { return portion(n, b, whole) - portion(n, a, whole) }
	t.count += part(of.count)
	t.ns += part(of.ns)
	t.idle += part(of.idle)
	t.times += part(of.times)
	t.delayed += part(of.delayed)
	t.delays += part(of.delays)
}

// portion is n·of/whole, rounded down.
func portion(n, of, whole int64) int64 {
	hi, lo := bits.Mul64(uint64(n), uint64(of))
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(quotient)
}

// evidence is what a cause's name rests on.
type evidence struct {
	samples  int64
	variance float64 // of its time, in ns²
	until    int64   // of its time, where only the end of what ran is known
}

// weigh says what the names of causes of running code rest on.
func (b *blame) weigh(totals []total) {
	for id, t := range totals {
		n := b.nodes.At(cause.ID(id))
		leaf := b.nodes.At(n.Leaf)
		if _, sampled := b.nodes.Until(n.Leaf); sampled || leaf.Kind != KindRunning && leaf.Kind != KindQueued {
			continue
		}
		key := b.key(n.Leaf)
		if g := b.groups[key]; g != nil {
			g.evidence.until += t.ns
		}
		if g := b.delayed[key]; g != nil && n.Kind != cause.Wait {
			g.evidence.until += t.delayed
		}
	}
	for _, all := range b.credits {
		for _, until := range slices.Sorted(maps.Keys(all)) {
			c := all[until]
			for i := range c.leaves {
				key := b.key(c.leaves[i].id)
				for _, groups := range []map[causeKey]*group{b.groups, b.delayed} {
					if g := groups[key]; g != nil {
						g.evidence.add(c, &c.leaves[i])
					}
				}
			}
		}
	}
}

// add takes what was sampled before one end. A few samples that are all alike do not make it
// certain: Laplace's rule.
func (e *evidence) add(c *credited, l *sampledLeaf) {
	e.samples += l.samples
	if c.enough() {
		n := float64(c.samples)
		share := (float64(l.samples) + 1) / (n + 2)
		e.variance += float64(c.ns) * float64(c.ns) * share * (1 - share) / n
	}
}

// OnCPU is what was seen on the CPUs, a function a row.
type OnCPU struct {
	Function string  `json:"function"` // the innermost that is not plumbing
	Frame    string  `json:"frame,omitempty"`
	Where    string  `json:"where,omitempty"` // if not in the goroutine's own code
	Samples  int64   `json:"samples"`
	CPUNS    int64   `json:"cpu_ns"` // that the samples stand for
	Share    float64 `json:"share"`  // of all samples
	Error    float64 `json:"error"`  // the standard error of the share
}

// onCPU are the functions that were seen on the CPUs, the most often first.
func (p *Pass) onCPU() []OnCPU {
	out := []OnCPU{}
	n := float64(max(1, p.sampling.total))
	for key, count := range p.sampling.seen {
		share := float64(count) / n
		frame := ranFrame(p.names.Stack(key.stack))
		out = append(out, OnCPU{
			Function: stack.Function(frame), Frame: frame, Where: key.where.String(), Samples: count,
			CPUNS: count * p.sampling.period, Share: share, Error: math.Sqrt(share * (1 - share) / n),
		})
	}
	slices.SortFunc(out, func(a, b OnCPU) int {
		return cmp.Or(cmp.Compare(b.Samples, a.Samples), cmp.Compare(a.Frame, b.Frame), cmp.Compare(a.Where, b.Where))
	})
	return out
}

// onCPUTable is the table of those.
func (r *Result) onCPUTable() report.Table {
	t := report.Table{Title: "What ran on the CPUs", Extra: true, Spare: []string{"at"},
		Columns: []string{"function", "at", "where", "CPU time", "share", "±", "samples"},
		Below:   []string{"From on-CPU samples. ±: standard error of the share. No where: the goroutine's own code."}}
	for i := range r.OnCPU {
		c := &r.OnCPU[i]
		t.Rows = append(t.Rows, []report.Cell{report.Function(cmp.Or(c.Function, "no Go code")),
			report.Text(stack.Position(c.Frame)), report.Text(c.Where), report.Duration(c.CPUNS),
			report.Share(c.Share), report.Share(c.Error), report.Count(c.Samples)})
	}
	return t
}
