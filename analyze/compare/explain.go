package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
)

// maxSentences is how many an explanation has of each sort.
const maxSentences = 10

// explain says why, the most telling first: what makes the recordings incomparable, what is new,
// which numbers are worse and where.
func (x *examiner) explain(r *Result) []string {
	out := []string{}
	for _, d := range r.Differences {
		if !d.Allowed {
			out = append(out, d.Text+fmt.Sprintf(" (--allow %s compares them all the same)", d.Name))
		}
	}
	out = append(out, r.texts(OutcomeWorse)...)
	worse := slices.DeleteFunc(slices.Clone(r.Metrics), func(m *Measured) bool { return m.Outcome != OutcomeWorse })
	slices.SortStableFunc(worse, func(a, b *Measured) int { return cmp.Compare(*b.Ratio, *a.Ratio) })
	for _, m := range worse {
		out = append(out, x.sentence(m))
	}
	if r.Verdict == Inconclusive {
		out = append(out, x.inconclusive(r)...)
	}
	for i := range r.Found {
		if f := &r.Found[i]; f.Rule == policy.Steal && f.Outcome == OutcomeNoted && r.Verdict == Worse {
			out = append(out, f.Text)
		}
	}
	return out
}

// texts are what rules found that has this outcome.
func (r *Result) texts(o Outcome) []string {
	var out []string
	more := 0
	for i := range r.Found {
		switch f := &r.Found[i]; {
		case f.Outcome != o:
		case len(out) == maxSentences:
			more++
		default:
			out = append(out, f.Text)
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %s", report.FormatNumber(int64(more), "more finding")))
	}
	return out
}

// sentence is a metric that is worse: how much, and where.
func (x *examiner) sentence(m *Measured) string {
	head := amount(m, *m.Head)
	if m.AtLeast {
		head = "at least " + head
	}
	return fmt.Sprintf("%s %s%s: %s → %s (%s)", m.Name, report.FormatRatio(*m.Ratio), x.whereTo(m), amount(m, *m.Base),
		head, m.evidence())
}

// evidence is how sure a change is.
func (m *Measured) evidence() string {
	var parts []string
	if m.Interval[1] > 0 {
		parts = append(parts, fmt.Sprintf("interval %s to %s", report.FormatRatio(m.Interval[0]),
			report.FormatRatio(m.Interval[1])))
	}
	if m.Untested {
		parts = append(parts, "too few recordings for a test")
	} else if m.Adjusted != nil {
		parts = append(parts, "p "+report.FormatProbability(*m.Adjusted))
	}
	return strings.Join(parts, ", ")
}

// amount is a metric's number in words.
func amount(m *Measured, v float64) string {
	switch m.metric.Stat {
	case policy.StatTime:
		return report.FormatPerSecond(v)
	case policy.StatRate:
		return fmt.Sprintf("%.0f/s", v)
	}
	return nanoseconds(v)
}

// whereTo says what grew behind a metric: of delays what had the P or the CPU, of waits the place
// and who ends them.
func (x *examiner) whereTo(m *Measured) string {
	switch m.metric.Key.Measure {
	case summary.MeasureDelay:
		return x.behind()
	case summary.MeasureWait:
		return x.waits(m.metric.Key.By == summary.ByContention)
	}
	return ""
}

// inTheWay says in words how a kind of cause kept goroutines from running.
var inTheWay = map[string]string{
	summary.CauseQueued:  " queued behind %s",
	summary.CauseHeld:    " because %s kept a P in a system call",
	summary.CauseOffCPU:  " because %s had the CPU",
	summary.CauseWakeUp:  " by idle Ps being woken",
	summary.CauseSTW:     " because the world was stopped (%s)",
	summary.CauseStopped: " because the process was stopped by %s",
}

// alsoGrown is the part of the largest growth from which on the second is named too: code that is
// preempted is named by where it was then.
const alsoGrown = 0.2

func (x *examiner) behind() string {
	list := x.growths(x.a.held, x.b.held, true, func(b by) bool { return inTheWay[b.kind] != "" })
	if len(list) == 0 {
		return ""
	}
	text := inTheWay[list[0].Kind]
	if !strings.Contains(text, "%s") {
		return text
	}
	name := x.inWords(&list[0])
	if len(list) > 1 && list[1].Kind == list[0].Kind && list[1].change() >= alsoGrown*list[0].change() {
		name += " and " + x.inWords(&list[1])
	}
	return fmt.Sprintf(text, name)
}

// inWords is what blocked goroutines: the code, and the function of the goroutine that ran it if
// that is another.
func (x *examiner) inWords(g *Growth) string {
	name := cmp.Or(stack.Local(g.Name), "others")
	if root := x.b.roots[by{g.Kind, g.Name}]; root != "" && root != g.Name && root != "runtime.main" {
		name += " (in " + stack.Local(root) + ")"
	}
	return name
}

func (x *examiner) waits(locksOnly bool) string {
	best, ok := x.slowest(locksOnly)
	if !ok {
		return ""
	}
	text := " in " + stack.Local(best.function)
	if !locksOnly {
		text += " (" + best.reason + ")"
	}
	if c := x.grownCause(best, true); c != nil && c.Name != best.function {
		return text + fmt.Sprintf(", root cause %s (%s)", stack.Local(c.Name), c.Kind)
	}
	if w := x.grownWaker(best, true); w != nil {
		text += ", woken by " + stack.Local(w.Name)
	}
	return text
}

// slowest is the place where goroutines wait longer, that with the most time more. Where there is
// none, as a program that waits for longer comes to wait less often, it is that where a wait has
// become longest beside what it was.
func (x *examiner) slowest(locksOnly bool) (best place, ok bool) {
	var most, longest float64
	var slower place
	for _, key := range keysOf(place.compare, x.a.places, x.b.places) {
		if key.measure != summary.MeasureWait || locksOnly && !key.mutex {
			continue
		}
		base, head := x.a.places[key], x.b.places[key]
		if more := average(x.b.perSecond(head, spent.busyNS)) - average(x.a.perSecond(base,
			spent.busyNS)); more > most {
			best, most = key, more
		}
		if longer := meanWait(head) - meanWait(base); longer > longest {
			slower, longest = key, longer
		}
	}
	if most > 0 {
		return best, true
	}
	return slower, longest > 0
}

// meanWait is the mean of all waits, idle waits excluded, in nanoseconds.
func meanWait(list []spent) float64 {
	var ns int64
	for _, s := range list {
		ns += s.busyNS()
	}
	return float64(ns) / float64(max(1, total(list)))
}

// inconclusive says what is missing for an answer.
func (x *examiner) inconclusive(r *Result) []string {
	out := []string{x.lack(r)}
	for _, m := range r.Metrics {
		switch {
		case m.Outcome == OutcomeUnsure:
			out = append(out, "may be worse: "+x.sentence(m))
		case m.Outcome == OutcomeUnknown && m.Why == tooMuchCensored:
			out = append(out, m.Name+" is not known: too many of base's longest durations are censored, by the "+
				"recordings' ends or by lost events; record for longer")
		}
	}
	for _, text := range r.texts(OutcomeUnsure) {
		out = append(out, "may be worse: "+text)
	}
	return out
}

func (x *examiner) lack(r *Result) string {
	if !r.Design.LowConfidence {
		return "too few of the recordings have the gating metrics, or too much of them is censored: record for " +
			"longer, or name other metrics in the policy"
	}
	return fmt.Sprintf("%s on base and %d on head show no change below %s; to see smaller ones with p below %s, "+
		"record 6 of each, interleaved (gosched record-ab)", report.FormatNumber(int64(len(x.base.recordings)),
		"recording"),
		len(x.head.recordings), report.FormatRatio(grossRatio), report.FormatProbability(r.Design.Alpha))
}

// suppress keeps what the policy's entries name from deciding.
func (t *trial) suppress(r *Result) {
	day := t.day()
	for _, e := range t.policy.Suppressions {
		g := Suppressed{What: e.What, Where: e.Where, Reason: e.Reason, Until: e.Until.Format(time.DateOnly),
			Kept: []string{}}
		g.Expired = !day.IsZero() && day.After(e.Until)
		for _, m := range r.Metrics {
			if m.Outcome == OutcomeWorse && m.Name == e.What && e.Where == "" && !g.Expired {
				m.Outcome, m.Why = OutcomeSuppressed, e.Reason
				g.Kept = append(g.Kept, m.Name)
			}
		}
		for i := range r.Found {
			f := &r.Found[i]
			if f.Outcome == OutcomeWorse && string(f.Rule) == e.What && strings.Contains(f.Where, e.Where) &&
				!g.Expired {
				f.Outcome, f.Why = OutcomeSuppressed, e.Reason
				g.Kept = append(g.Kept, f.Text)
			}
		}
		r.Suppressed = append(r.Suppressed, g)
	}
}

// day is the day on which the latest of head's recordings was made; zero where none says.
func (t *trial) day() time.Time {
	var latest int64
	for _, r := range t.head.recordings {
		latest = max(latest, r.Info.Meta.StartNS)
	}
	if latest < earliestWall {
		return time.Time{}
	}
	return time.Unix(0, latest).UTC().Truncate(24 * time.Hour)
}
