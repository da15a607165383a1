package goroutines

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Instant collects every goroutine as it stood at one instant. Make one with At, run it with
// replay.Run and ask for its Profile. It keeps about 150 bytes for each goroutine that is alive.
type Instant struct {
	timeNS  int64
	names   *replay.Names
	several bool // the trace is of several processes, whose goroutines have the same ids
	past    replay.ByGoroutine[past]
	found   []standing
	rounds  map[int32]roundBefore // of each process, the latest before the instant
	lost    int64                 // goroutines that were there and whose state then the trace does not tell
}

var (
	_ replay.BeginPass    = (*Instant)(nil)
	_ replay.SnapshotPass = (*Instant)(nil)
	_ replay.RoundPass    = (*Instant)(nil)
)

// past is what is remembered of a goroutine that is alive.
type past struct {
	first          int64
	creator        format.GoID
	goStack, stack format.StringID
	since          since
	found          bool
	spanned        bool // it has had a span
}

// standing is a goroutine at the instant.
type standing struct {
	replay.GoroutineID
	state          format.State
	reason         format.StringID
	sinceNS        int64
	creator        format.GoID
	goStack, stack format.StringID
}

// At makes a pass for an instant, in nanoseconds since the Unix epoch.
func At(timeNS int64) *Instant {
	return &Instant{timeNS: timeNS, rounds: map[int32]roundBefore{}}
}

// Wants implements replay.Pass.
func (p *Instant) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true}
}

// Begin implements replay.BeginPass.
func (p *Instant) Begin(names *replay.Names, meta *format.Metadata) {
	p.names, p.several = names, len(meta.Processes) > 1
}

// Snapshot implements replay.SnapshotPass: snapshots know who created a goroutine.
func (p *Instant) Snapshot(s replay.Snapshot) {
	if s.CreatedAt == format.NullString && s.SinceNS == 0 {
		return
	}
	g := p.of(s.PID, s.GoID, s.TimeNS)
	if s.CreatedAt != format.NullString && g.goStack == format.NullString {
		g.creator, g.goStack = s.ByGoID, s.CreatedAt
	}
	g.since.tell(&s)
}

// of is what is remembered of a goroutine, first seen now where it is not known.
func (p *Instant) of(pid int32, id format.GoID, now int64) *past {
	g := p.past.Find(pid, id)
	if g == nil {
		g = &past{first: now}
		p.past.Put(pid, id, g)
	}
	return g
}

// Spans implements replay.Pass.
func (p *Instant) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		g := p.of(s.PID, s.GoID, s.Begin)
		g.first, g.spanned = min(g.first, s.Begin), true
		if s.State == format.StateRunnable && s.Why == replay.WhyCreated {
			g.creator, g.goStack = s.ByGoID, s.ByStack
		}
		g.stack = g.standsAt(s)
		began := s.Begin
		if ns, known := g.since.of(s); known {
			began = ns
		}
		if !g.found && p.holds(s) {
			g.found = true
			p.found = append(p.found, standing{replay.GoroutineID{PID: s.PID, GoID: s.GoID}, s.State, s.Reason, began,
				g.creator, g.goStack, g.stack})
		}
		if s.Flags&(replay.CensoredRight|replay.EndUnseen) != 0 {
			g.stack = format.NullString
		}
		if s.Next == format.StateNotExist {
			p.forget(s, g)
		}
	}
}

// holds says whether a span tells the state at the instant: from its beginning on and before its
// end, unless the state went on after that. Of one whose end was not seen only the beginning is
// certain.
func (p *Instant) holds(s *replay.Span) bool {
	if s.Flags&replay.EndUnseen != 0 {
		return s.Begin == p.timeNS
	}
	return s.Begin <= p.timeNS && (p.timeNS < s.End || p.timeNS == s.End && s.Flags&replay.CensoredRight != 0)
}

// standsAt is where a goroutine is during a span. One that became runnable without a stack of its
// own stands where it stood before; where one that runs is nobody sees.
func (g *past) standsAt(s *replay.Span) format.StringID {
	switch {
	case s.State == format.StateRunning:
		return format.NullString
	case s.Stack == format.NullString && s.State == format.StateRunnable && s.Flags&replay.CensoredLeft == 0:
		return g.stack
	}
	return s.Stack
}

// forget is for the last span of a goroutine.
func (p *Instant) forget(s *replay.Span, g *past) {
	if !g.found && g.first < p.timeNS && p.timeNS < s.End {
		p.lost++
	}
	p.past.Drop(s.PID, s.GoID)
}

// Profile is the goroutines at the instant, by id, and how many more there may have been: seen
// before it, and not known at it because moves or events are missing. Of several processes each
// goroutine has its process's number as a label, pid. Call it after the walk.
func (p *Instant) Profile() (prof *profile.Profile, lost int64) {
	lost = p.lost
	for _, g := range p.past.All() {
		if g.spanned && !g.found && g.first < p.timeNS {
			lost++
		}
	}
	found := slices.SortedFunc(slices.Values(p.standing()), func(a, b standing) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.GoID, b.GoID))
	})
	prof = &profile.Profile{Encoding: profile.Dump}
	for i := range found {
		prof.Groups = append(prof.Groups, p.group(&found[i]))
	}
	return prof, lost
}

const (
	runningElsewhere = "goroutine running on other thread; stack unavailable"
	notInTrace       = "stack not in the trace"
)

func (p *Instant) group(s *standing) profile.Group {
	g := profile.Group{Count: 1, GoID: s.GoID, State: stateNames[s.state], Creator: s.creator,
		CreatedBy: goStatement(p.names.Stack(s.goStack))}
	if g.CreatedBy == "" {
		g.Creator = format.NoGoroutine
	}
	if p.several {
		g.Labels = []profile.Label{{Key: "pid", Value: strconv.Itoa(int(s.PID))}}
	}
	if s.state == format.StateWaiting {
		if reason := p.names.Reason(s.reason); reason != "" {
			g.State = reason
		}
	}
	if s.state == format.StateWaiting || s.state == format.StateSyscall {
		g.WaitMinutes = (p.timeNS - s.sinceNS) / 60_000_000_000
	}
	switch g.Stack, g.Elided = unmarked(p.names.Stack(s.stack)); {
	case s.state == format.StateRunning:
		g.Missing = runningElsewhere
	case g.Stack == "":
		g.Missing, g.Elided = notInTrace, false
	}
	return g
}

// unmarked is a stack without the marks that stand for frames, and whether it had any.
func unmarked(text string) (frames string, marked bool) {
	list := stack.Frames(text)
	n := len(list)
	list = slices.DeleteFunc(list, format.IsMark)
	return strings.Join(list, ";"), len(list) < n
}
