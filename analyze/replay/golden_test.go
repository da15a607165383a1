package replay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// TestTraces replays testdata/*.trace and compares what comes out with the .want file beside it,
// which was checked by hand.
func TestTraces(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, base string, trace *format.Memory) {
		golden.Check(t, base+".want", []byte(describe(t, trace)))
	})
}

// describe writes down everything that a walk says, with times since the recording began.
func describe(t *testing.T, trace *format.Memory) string {
	t.Helper()
	all := everything()
	sum, err := replay.Run(context.Background(), trace, all)
	if err != nil {
		t.Fatal(err)
	}
	tile(t, all.spans)
	var b strings.Builder
	for _, s := range all.spans {
		b.WriteString(spanText(sum, &s) + "\n")
	}
	for _, r := range all.ranges {
		fmt.Fprintf(&b, "range %s %s\n", interval(sum, r.Begin, r.End, r.Flags), sum.Names().Reason(r.Reason))
	}
	for _, p := range sum.Problems {
		fmt.Fprintf(&b, "problem: %s at %d: p%d g%d was %s, moves %s->%s %s\n", p.Kind, p.TimeNS-sum.BeginNS, p.PID,
			p.GoID, p.Have, p.From, p.To, sum.Names().Reason(p.Reason))
	}
	for _, l := range all.limits {
		fmt.Fprintf(&b, "limit at %d: p%d %s\n", l.TimeNS-sum.BeginNS, l.PID, l.Limit)
	}
	for _, d := range all.descriptors {
		fmt.Fprintf(&b, "descriptor at %d: p%d g%d %s %s\n", d.TimeNS-sum.BeginNS, d.PID, d.GoID, d.State, d.What)
	}
	for _, s := range all.suspensions {
		fmt.Fprintf(&b, "stopped %s p%d %s\n", interval(sum, s.Begin, s.End, s.Flags), s.PID,
			sum.Names().Reason(s.Reason))
	}
	for _, x := range all.windows {
		fmt.Fprintf(&b, "window %s watched %dns, %dns before it not\n", interval(sum, x.Begin, x.End, 0), x.WatchedNS,
			x.BeforeNS)
	}
	if x := sum.Windows; x.Count > 0 {
		fmt.Fprintf(&b, "windows %d (%d read) watched %dns of %dns, %dns after the last\n", x.Count, x.Read,
			x.WatchedNS, x.StandsForNS(), x.AfterNS)
	}
	for _, u := range sum.Unwatched {
		fmt.Fprintf(&b, "p%d %s not watched for %dns\n", u.PID, u.Class, u.NS)
	}
	fmt.Fprintf(&b, "events %d %v, goroutines %d (%d unannounced, peak %d), processes %d, gaps %d of %dns, implied "+
		"%d, snapshots %v %v, observed %dns\n",
		sum.Events, sum.ByKind[:format.KindLimit], sum.Goroutines, sum.Unannounced, sum.PeakAlive, sum.Processes,
		sum.Gaps, sum.GapNS, sum.ImpliedMoves, sum.AtStart, sum.AtEnd, sum.DurationNS())
	return b.String()
}

func spanText(sum *replay.Summary, s *replay.Span) string {
	names := sum.Names()
	words := []string{fmt.Sprintf("p%d g%d %s %s", s.PID, s.GoID, s.State, interval(sum, s.Begin, s.End, s.Flags))}
	add := func(name string, known bool, value any) {
		if known {
			words = append(words, fmt.Sprintf("%s=%v", name, value))
		}
	}
	add("next", s.Next != format.StateUnknown, s.Next)
	add("why", s.State == format.StateRunnable, s.Why)
	add("waited", s.Waited != 0, names.Reason(s.Waited))
	add("reason", s.Reason != 0, names.Reason(s.Reason))
	add("by", s.ByGoID != 0, fmt.Sprintf("g%d %s", s.ByGoID, names.Stack(s.ByStack)))
	add("endby", s.EndByGoID != 0, fmt.Sprintf("g%d %s", s.EndByGoID, names.Stack(s.EndByStack)))
	add("endreason", s.State == format.StateWaiting && s.EndReason != 0, names.Reason(s.EndReason))
	add("proc", s.State == format.StateRunning && s.Proc >= 0, fmt.Sprintf("%d tid=%d", s.Proc, s.TID))
	add("entry", s.Entry != 0, names.Entry(s.Entry))
	add("stack", s.Stack != 0, names.Stack(s.Stack))
	add("stopped", s.SuspendedNS != 0, s.SuspendedNS)
	add("delay", s.Delay != replay.Delay{}, delayText(s.Delay))
	return strings.Join(words, " ")
}

// delayText writes the parts of a delay that are not nothing.
func delayText(d replay.Delay) string {
	var parts []string
	for _, p := range replay.Parts() {
		if d[p] != 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", p.Key(), d[p]))
		}
	}
	return strings.Join(parts, ",")
}

// interval writes 10..20; <10 where it began earlier, 20> where it went on, 20? where its end was
// not seen.
func interval(sum *replay.Summary, begin, end int64, flags replay.Flags) string {
	s := fmt.Sprintf("%d..%d", begin-sum.BeginNS, end-sum.BeginNS)
	if flags&replay.CensoredLeft != 0 {
		s = "<" + s
	}
	if flags&replay.AfterGap != 0 {
		s = "gap" + s
	}
	if flags&replay.CensoredRight != 0 {
		s += ">"
	}
	if flags&replay.EndUnseen != 0 {
		s += "?"
	}
	return s
}
