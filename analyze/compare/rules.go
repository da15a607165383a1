package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// Found is something that a rule found.
type Found struct {
	Rule     policy.Rule `json:"rule"`
	Outcome  Outcome     `json:"outcome"`
	Why      string      `json:"why,omitempty"`   // of an outcome that is suppressed or unsure
	What     string      `json:"what"`            // it, in a word or two, for machines to tell from others of the rule
	Where    string      `json:"where,omitempty"` // the function, where there is one
	Frame    string      `json:"frame,omitempty"` // with file and line
	Text     string      `json:"text"`
	Base     float64     `json:"base"` // what the rule's floor is in, the mean of the recordings
	Head     float64     `json:"head"`
	InBase   *int        `json:"in_base,omitempty"` // recordings that have it, of rules that look for what is new
	InHead   *int        `json:"in_head,omitempty"`
	P        *float64    `json:"p,omitempty"`
	severity float64     // for the order
}

// ruleLevel is the chance of a false alarm of one thing that a rule looks at. A thing that one half
// of all recordings have by chance is in all of six and in none of six others once in 4,096.
const ruleLevel = 0.01

// finders are what the rules do, in the order of the policy's table.
var finders = map[policy.Rule]func(*examiner, policy.Limit) []Found{
	policy.NewSite: (*examiner).newSites, policy.NewReason: (*examiner).newReasons, policy.Leak: (*examiner).leaks,
	policy.Goroutines: (*examiner).goroutines,
	policy.NewFinding: (*examiner).newFindings, policy.Waker: (*examiner).wakers, policy.Steal: (*examiner).steal,
}

// examiner looks at both sides with the rules.
type examiner struct {
	*trial
	a, b *survey // base and head
}

// examine is what the rules find, in the order of the table, of each the most first.
func (x *examiner) examine() []Found {
	out := []Found{}
	for _, r := range policy.Rules {
		limit := x.policy.Rules[r.Name]
		list := finders[r.Name](x, limit)
		slices.SortStableFunc(list, func(a, b Found) int {
			return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.Where, b.Where),
				cmp.Compare(a.Text, b.Text))
		})
		for _, f := range list {
			f.Rule, f.Base, f.Head = r.Name, rounded(f.Base), rounded(f.Head)
			if f.Outcome == OutcomeWorse && !limit.Gate {
				f.Outcome = OutcomeNoted
			}
			out = append(out, f)
		}
	}
	return out
}

// leastRecordings is how many recordings each side must have for a rule to test anything: one says
// nothing of how recordings differ.
const leastRecordings = 3

// untested says whether so many recordings cannot give a p below ruleLevel even where all of head
// have something and none of base.
func (x *examiner) untested(base, head int) bool {
	p, _ := stats.FisherExact(0, base, head, head)
	return p >= ruleLevel || min(base, head) < leastRecordings
}

// appeared tests whether head has something that base lacks: in how many recordings each side has
// it. Gross says that it is large enough to be believed where the recordings are too few for a
// test.
func (x *examiner) appeared(f *Found, in, of [2]int, gross bool) bool {
	p, _ := stats.FisherExact(in[0], of[0], in[1], of[1])
	f.InBase, f.InHead, f.P = &in[0], &in[1], pointer(rounded(p))
	everywhere := in[0] == 0 && in[1] == of[1] && of[0] > 0
	switch {
	case in[0] > 0 || in[1] == 0:
		return false
	case !x.untested(of[0], of[1]):
		f.Outcome = OutcomeWorse
		return p < ruleLevel
	case everywhere && gross:
		f.Outcome = OutcomeWorse
		return true
	}
	f.Outcome = OutcomeUnsure
	return everywhere
}

// all is how many recordings each side has.
func (x *examiner) all() [2]int { return [2]int{len(x.base.recordings), len(x.head.recordings)} }

func inRuns(f *Found, of [2]int) string {
	return fmt.Sprintf("in %d of %d head recordings, in none of %d base", *f.InHead, of[1], of[0])
}

// grossFactor and grossCount are what must be there, times the floor and in durations, for a change
// to be believed without a test.
const (
	grossFactor = 10
	grossCount  = 100
)

// seenPart is the part of a rule's floor from which on a recording has something: a wait of a
// moment, once, does not make it known.
const seenPart = 0.1

func (x *examiner) leaks(limit policy.Limit) []Found {
	a, of0 := leaksOf(x.a)
	b, of1 := leaksOf(x.b)
	var out []Found
	for _, key := range keysOf(place.compare, b) {
		list := b[key]
		head := float64(total(list)) / float64(max(1, present(list)))
		f := Found{What: key.String(), Where: key.function, Frame: heaviestFrame(list), Head: head, severity: head}
		of := [2]int{of0, of1}
		if head < limit.Floor || !x.appeared(&f, [2]int{present(a[key]), present(list)}, of,
			head >= grossFactor*limit.Floor) {
			continue
		}
		f.Text = fmt.Sprintf("new leak: goroutines leaked in %s (%s), %.0f per recording, %s", key,
			stack.Position(f.Frame), head, inRuns(&f, of))
		out = append(out, f)
	}
	return out
}

// leaksOf are the leaks of a side, and how many of its recordings could show any.
func leaksOf(s *survey) (leaks map[place][]spent, judged int) {
	leaks = map[place][]spent{}
	for i, r := range s.recordings {
		if !r.Info.LeaksJudged {
			continue
		}
		judged++
		for _, l := range r.Info.Leaks {
			add(leaks, place{measure: summary.MeasureWait, reason: l.Reason, function: cmp.Or(l.Where, l.Entry)},
				spent{recording: i, count: l.Count, frame: l.Frame})
		}
	}
	return leaks, judged
}

// moreGoroutines is the ratio from which on more goroutines at the end count.
const moreGoroutines = 1.1

func (x *examiner) goroutines(limit policy.Limit) []Found {
	base, head := alive(x.base.recordings), alive(x.head.recordings)
	if len(base) == 0 || len(head) == 0 {
		return nil
	}
	change := compareValues([]block{{base: places(len(base)), head: places(len(head))}}, base, head, 1)
	f := Found{What: "goroutines", Base: average(base), Head: average(head), P: pointer(rounded(change.P)),
		Outcome: OutcomeWorse}
	more := f.Head - f.Base
	untested := x.untested(len(base), len(head)) || change.LeastP >= ruleLevel
	switch {
	case more < limit.Floor || change.Ratio < moreGoroutines:
		return nil
	case untested && (change.Ratio <= grossRatio || more < grossFactor*limit.Floor):
		f.Outcome = OutcomeUnsure
	case !untested && change.P >= ruleLevel:
		return nil
	}
	f.Text = fmt.Sprintf("more goroutines at the end: %.0f on base, %.0f on head", f.Base, f.Head)
	return []Found{f}
}

// compareValues tests numbers of the recordings that have no interval.
func compareValues(blocks []block, base, head []float64, least float64) stats.Change {
	b, h := logsOf(base, least), logsOf(head, least)
	var list []stats.Block
	for _, block := range blocks {
		var o stats.Block
		for _, i := range block.base {
			o.Base = append(o.Base, b[i])
		}
		for _, i := range block.head {
			o.Head = append(o.Head, h[i])
		}
		list = append(list, o)
	}
	return stats.Compare(list, stats.CompareOptions{Resamples: -1})
}

func alive(recordings []*summary.Recording) []float64 {
	var out []float64
	for _, r := range recordings {
		if r.Info.Goroutines != nil {
			out = append(out, float64(*r.Info.Goroutines))
		}
	}
	return out
}

func logsOf(values []float64, least float64) []stats.Observation {
	out := make([]stats.Observation, len(values))
	for i, v := range values {
		out[i].Log = math.Log(max(v, least))
	}
	return out
}

// ofMachine are the findings that say something of the machine or the recording and not of the
// code.
var ofMachine = []string{"cpu-contention", "cpu-throttled", "gaps", "process-stopped", "procs-over-quota"}

// finding names a finding.
type finding struct{ name, where string }

func compareFindings(a, b finding) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.where, b.where))
}

func (x *examiner) newFindings(limit policy.Limit) []Found {
	titles := map[finding]string{}
	a, b := findingsOf(x.a, 0, titles), findingsOf(x.b, limit.Floor, titles)
	var out []Found
	for _, key := range keysOf(compareFindings, b) {
		list := b[key]
		var sum int64
		for _, v := range list {
			sum += v.ns
		}
		f := Found{What: strings.TrimSpace(key.name + " " + key.where), Where: key.where,
			Head: float64(sum) / float64(max(1, total(list)))}
		if f.severity = f.Head; !x.appeared(&f, [2]int{present(a[key]), present(list)}, x.all(),
			f.Head >= 2*limit.Floor) {
			continue
		}
		if slices.Contains(ofMachine, key.name) {
			f.Outcome = OutcomeNoted
		}
		f.Text = fmt.Sprintf("new finding %s: %s (%s), %s", key.name, titles[key], cmp.Or(stack.Local(key.where),
			"no one place"), inRuns(&f, x.all()))
		out = append(out, f)
	}
	return out
}

// findingsOf are a side's findings of at least a severity, which stands in place of nanoseconds.
func findingsOf(s *survey, least float64, titles map[finding]string) map[finding][]spent {
	out := map[finding][]spent{}
	for i, r := range s.recordings {
		for _, v := range r.Info.Findings {
			if float64(v.Severity) >= least {
				key := finding{v.Name, stack.Function(v.Where)}
				titles[key] = v.Title
				add(out, key, spent{recording: i, count: 1, ns: int64(v.Severity)})
			}
		}
	}
	return out
}

// moreWaiting is the ratio from which on waiting for the same waker counts as having grown.
const moreWaiting = 1.5

func (x *examiner) wakers(limit policy.Limit) []Found {
	var out []Found
	for _, at := range keysOf(place.compare, x.b.places) {
		if x.forWork(at) {
			continue
		}
		for _, who := range keysOf(by.compare, x.b.wakers[at]) {
			if f, ok := x.waker(at, who, limit); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func (x *examiner) waker(at place, who by, limit policy.Limit) (Found, bool) {
	nsOf := func(s spent) int64 { return s.ns }
	list := x.b.wakers[at][who]
	base, head := x.a.perSecond(x.a.wakers[at][who], nsOf), x.b.perSecond(list, nsOf)
	f := Found{Outcome: OutcomeWorse, What: who.name + " at " + at.String(), Where: who.name,
		Frame: heaviestFrame(list), Base: average(base), Head: average(head)}
	if f.severity = f.Head - f.Base; who.name == "" || who.name[0] == '<' || f.severity < limit.Floor ||
		f.Head < moreWaiting*f.Base {
		return f, false
	}
	change := compareValues([]block{x.whole()}, base, head, leastTime)
	f.P = pointer(rounded(change.P))
	f.Text = fmt.Sprintf("waits that %s ends (%s) take longer: %s on base, %s on head",
		stack.Local(who.name), at,
		report.FormatPerSecond(f.Base), report.FormatPerSecond(f.Head))
	return f, change.P < ruleLevel
}

// forWork says whether goroutines at a place mostly waited for work.
func (x *examiner) forWork(p place) bool {
	var ns, idle int64
	for _, s := range x.b.places[p] {
		ns += s.ns
		idle += s.idleNS
	}
	return 2*idle > ns
}

func (x *examiner) steal(limit policy.Limit) []Found {
	base, known := stolen(x.base.recordings)
	head, alsoKnown := stolen(x.head.recordings)
	if !known || !alsoKnown || head-base < limit.Floor {
		return nil
	}
	return []Found{{
		Outcome: OutcomeWorse, What: "steal", Base: base, Head: head, severity: head,
		Text: fmt.Sprintf("the hypervisor stole more CPU time: %s on base, %s on head; what is slower may be its doing",
			report.FormatShare(base), report.FormatShare(head)),
	}}
}

// stolen is the share of the CPU time that the hypervisor took.
func stolen(recordings []*summary.Recording) (share float64, known bool) {
	var stolen, all int64
	for _, r := range recordings {
		if m := r.Info.Meta.Machine; m != nil {
			stolen += m.StealNS
			all += m.BusyNS + m.StealNS + m.IdleNS
		}
	}
	return float64(stolen) / float64(max(1, all)), all > 0
}
