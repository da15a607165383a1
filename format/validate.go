package format

import (
	"context"
	"fmt"
	"slices"
)

// Problem is something in a trace that no recorder may write.
type Problem struct {
	Row    int64 // the event, counted from 0; -1: the trace as a whole
	TimeNS int64 // the event's time
	Text   string
}

// String is the problem as a sentence.
func (p Problem) String() string {
	if p.Row < 0 {
		return p.Text
	}
	return fmt.Sprintf("event %d at %d: %s", p.Row, p.TimeNS, p.Text)
}

// Validate checks what can be said of each event by itself, and of the
// metadata: that times ascend, that every column has a value where its kind of
// event needs one and none where it has no meaning, that ranges and gaps do not
// end before they begin. Whether the moves are legal is replay's to say. It gives
// the first limit problems, 100 if limit is zero.
func Validate(ctx context.Context, t Trace, limit int) ([]Problem, error) {
	if limit <= 0 {
		limit = 100
	}
	v := &validator{meta: t.Metadata(), reasons: t.Reasons(), limit: limit, last: minTime, rounds: map[int32]int64{}}
	v.checkMetadata()
	for b, err := range t.Batches(ctx, Selection{}) {
		if err != nil {
			return v.problems, err
		}
		for i := range b.TimeNS {
			v.check(b, i)
			v.row++
		}
		if len(v.problems) >= limit {
			return v.problems[:limit], nil
		}
	}
	if v.meta.Lost > 0 && v.gaps == 0 {
		v.whole("the metadata says that %d events were lost, but no gap says when", v.meta.Lost)
	}
	return v.problems, nil
}

// validator collects the problems of a trace.
type validator struct {
	meta     Metadata
	reasons  *Strings
	limit    int
	row      int64
	last     int64
	gaps     int
	rounds   map[int32]int64 // when the last round of each process ends
	problems []Problem
}

func (v *validator) whole(text string, args ...any) {
	v.problems = append(v.problems, Problem{Row: -1, Text: fmt.Sprintf(text, args...)})
}

func (v *validator) event(t int64, text string, args ...any) {
	if len(v.problems) < v.limit {
		v.problems = append(v.problems, Problem{Row: v.row, TimeNS: t, Text: fmt.Sprintf(text, args...)})
	}
}

// checkMetadata checks that the metadata says what every trace must say.
func (v *validator) checkMetadata() {
	m := &v.meta
	for _, c := range []struct {
		bad  bool
		text string
	}{
		{m.SchemaVersion < 1 || m.SchemaVersion > SchemaVersion, fmt.Sprintf("schema version %d is unknown",
			m.SchemaVersion)},
		{!slices.Contains(sources, m.Source), fmt.Sprintf("source %q is unknown", m.Source)},
		{m.Recorder == "", "the metadata does not say what recorded the trace"},
		{m.Clock == "", "the metadata does not name the clock"},
		{m.StartNS <= 0, "the metadata does not say when the recording began"},
		{m.EndNS != 0 && m.EndNS < m.StartNS, "the recording ends before it begins"},
		{m.Lost < 0 || m.LostStacks < 0, "a number of lost events is negative"},
		{len(m.Processes) == 0, "the metadata names no process"},
	} {
		if c.bad {
			v.whole("%s", c.text)
		}
	}
}

// check checks event i of b.
func (v *validator) check(b *Batch, i int) {
	t := b.TimeNS[i]
	if t < v.last {
		v.event(t, "it is %d ns earlier than the one before", v.last-t)
	}
	v.last = t
	if v.meta.StartNS > 0 && t < v.meta.StartNS-v.meta.TimeResolutionNS {
		v.event(t, "it is %d ns before the recording began", v.meta.StartNS-t)
	}
	if v.meta.EndNS > 0 && t > v.meta.EndNS {
		v.event(t, "it is %d ns after the recording ended", t-v.meta.EndNS)
	}
	kind := at(b.Kind, i, KindGoroutine)
	if int(kind) >= NumKinds {
		v.event(t, "kind %d is unknown", kind)
		return
	}
	v.checkUses(b, i, kind)
	if kind == KindGap {
		v.gaps++
	}
	if end := at(b.EndNS, i, 0); end != 0 && end < t {
		v.event(t, "%s ends %d ns before it begins", kind, t-end)
	}
	switch kind {
	case KindLimit:
		v.checkLimit(b, i)
	case KindRound, KindSnapshot:
		v.checkRound(b, i, kind)
	}
	for _, s := range []State{at(b.From, i, StateUnknown), at(b.To, i, StateUnknown)} {
		if int(s) >= len(stateSpecs) {
			v.event(t, "state %d is unknown", s)
		}
	}
}

// checkLimit checks that a limit row says which limit.
func (v *validator) checkLimit(b *Batch, i int) {
	text := v.reasons.Lookup(at(b.Reason, i, NullString))
	if _, ok := ParseLimit(text); text != "" && !ok {
		v.event(b.TimeNS[i], "%q is no limit", text)
	}
}

// checkRound checks that a process has one round at a time, and weights in rounds alone.
func (v *validator) checkRound(b *Batch, i int, kind Kind) {
	t, pid, weight := b.TimeNS[i], at(b.PID, i, Unknown), at(b.Weight, i, 0)
	end, any := v.rounds[pid]
	switch {
	case weight < 0:
		v.event(t, "it stands for %d goroutines", weight)
	case kind == KindSnapshot && weight > 0 && !(any && t <= end):
		v.event(t, "%s with a weight, and not in a round", kind)
	case kind == KindRound && any && t < end-v.meta.TimeResolutionNS:
		v.event(t, "a round begins %d ns before the one before ends", end-t)
	}
	if kind == KindRound {
		v.rounds[pid] = at(b.EndNS, i, 0)
	}
}

// checkUses checks which columns have a value.
func (v *validator) checkUses(b *Batch, i int, kind Kind) {
	for c := range specs {
		s := &specs[c]
		null := s.field.null(b, i)
		switch {
		case null && s.uses[kind] == must:
			v.event(b.TimeNS[i], "%s without %s", kind, s.name)
		case !null && s.uses[kind] == never:
			v.event(b.TimeNS[i], "%s with %s", kind, s.name)
		}
	}
}
