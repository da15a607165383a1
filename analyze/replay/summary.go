package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
)

// ProcessText names a process in a sentence; a trace may not know its pid.
func ProcessText(pid int32) string {
	if pid == format.Unknown {
		return "the process"
	}
	return fmt.Sprintf("process %d", pid)
}

// ProblemKind is a way in which a trace contradicts the scheduler model.
type ProblemKind uint8

// The kinds of problems.
const (
	ProblemMove     ProblemKind = iota // no goroutine ever moves from this state to that one
	ProblemState                       // the row's from-state is not the state the goroutine was in
	ProblemSnapshot                    // the process's memory says another state than the moves before it
	ProblemProc                        // a goroutine began to run on a P where another was still running
	ProblemOrder                       // the row's time is before that of the row before it
	ProblemRow                         // the row lacks what it needs to be understood, such as a goroutine's id
	ProblemEnded                       // the row is of a goroutine whose end was seen
	numProblems
)

var problemNames = [numProblems]string{
	"illegal move", "unexpected state", "snapshot disagrees", "two goroutines on one P", "time runs backwards",
	"malformed row",
	"goroutine had ended",
}

// String is the name that reports print.
func (k ProblemKind) String() string {
	if k >= numProblems {
		return "unknown problem"
	}
	return problemNames[k]
}

// Problem is one contradiction between the trace and the model.
type Problem struct {
	Kind     ProblemKind
	TimeNS   int64
	PID      int32
	GoID     format.GoID
	Have     format.State // the state that the model had
	From, To format.State // the row's move
	Reason   format.StringID
}

// maxProblems is how many problems are kept as examples.
const maxProblems = 20

// ProblemCounts counts problems by kind.
type ProblemCounts [numProblems]int64

// Total is the number of problems of all kinds.
func (c *ProblemCounts) Total() int64 {
	var n int64
	for _, v := range c {
		n += v
	}
	return n
}

// MoveCount says how often a transition was seen.
type MoveCount struct {
	From, To format.State
	Name     string // as in the table of moves; empty for an illegal one
	Count    int64
}

// Summary is what a walk says of the whole trace.
type Summary struct {
	BeginNS, EndNS int64 // the observed interval: the recording's where it is known, else the first and last row's
	Events         int64
	ByKind         [format.NumKinds]int64
	Gaps           int64       // gap rows, those of one class alone left out
	BudgetGaps     int64       // of them, those for the budget, which the recorder chose
	BudgetNS       int64       // of GapNS, the time in them
	GapNS          int64       // the time in gaps, added up over processes, where gaps overlap once
	Unwatched      []Unwatched // classes that were not watched for a part of the time
	Windows        Windows
	Processes      int
	Goroutines     int64   // different goroutines seen
	Unannounced    int64   // of them, those first seen by a move that is neither a creation nor in a snapshot
	PeakAlive      int     // the most goroutines known alive at once, of each process, added up
	BeyondProcs    []int32 // processes that ran on more Ps than GOMAXPROCS ever was, as far as the trace says
	ImpliedMoves   int64   // times that a move was missing because the recording does not cover it
	Rounds         int64
	Sampled        []Sampled    // the processes that have rounds
	Suspended      []Suspension // the first of the times in which a process was stopped; where a pass wants it
	SuspendedCount int64
	SuspendedNS    int64     // the time in them
	LeftOut        []LeftOut // the first of the runs that are EndUnseen because others ran on the P
	LeftOutCount   int64
	Problems       []Problem
	Counts         ProblemCounts
	// AtStart and AtEnd count snapshot rows by state: goroutines met for the first time, and ones
	// met before.
	AtStart, AtEnd [6]int64

	meta     *format.Metadata
	names    *Names
	open     []Span
	pairs    [64]int64
	observed int64          // the length of the observed interval, added up over processes
	ends     []processEnd   // processes that ended before the trace
	begins   []processBegin // and those that came after it had begun
}

type processBegin struct {
	pid     int32
	beginNS int64
}

type processEnd struct {
	pid   int32
	endNS int64
}

// Open are the spans that had not ended when the walk was asked, see Walk.Open; none after its end.
func (s *Summary) Open() []Span { return s.open }

// Metadata is what the trace says of its recording.
func (s *Summary) Metadata() *format.Metadata { return s.meta }

// Names resolves the ids in spans.
func (s *Summary) Names() *Names { return s.names }

// EndOf is when observation of a process ended: where that ended or replaced its program while it
// was recorded, before EndNS.
func (s *Summary) EndOf(pid int32) int64 {
	for _, e := range s.ends {
		if e.pid == pid {
			return e.endNS
		}
	}
	return s.EndNS
}

// BeginOf is when observation of a process began: after BeginNS where it came later.
func (s *Summary) BeginOf(pid int32) int64 {
	for _, b := range s.begins {
		if b.pid == pid {
			return b.beginNS
		}
	}
	return s.BeginNS
}

// DurationOf is how long a process was observed.
func (s *Summary) DurationOf(pid int32) int64 { return max(0, s.EndOf(pid)-s.BeginOf(pid)) }

// DurationNS is the length of the observed interval.
func (s *Summary) DurationNS() int64 { return s.EndNS - s.BeginNS }

// GapShare is the share of the observed time, over all processes, that lies in gaps.
func (s *Summary) GapShare() float64 {
	if s.observed <= 0 {
		return 0
	}
	return float64(s.GapNS) / float64(s.observed)
}

// LostShare is the share of the observed time, over all processes, that lies in gaps which nobody
// chose for the budget.
func (s *Summary) LostShare() float64 {
	if s.observed <= 0 {
		return 0
	}
	return float64(s.GapNS-s.BudgetNS) / float64(s.observed)
}

// WatchedNS is the part of the observed interval in which probes were attached. Of a trace without
// windows it is all of it.
func (s *Summary) WatchedNS() int64 {
	if s.Windows.Count == 0 {
		return s.DurationNS()
	}
	return s.Windows.WatchedNS
}

// Moves returns how often each transition was seen: the legal ones in the table's order, those
// never seen too, then the illegal ones that were.
func (s *Summary) Moves() []MoveCount {
	var out []MoveCount
	left := s.pairs
	for _, m := range moves {
		out = append(out, MoveCount{m.From, m.To, m.Name, left[pair(m.From, m.To)]})
		left[pair(m.From, m.To)] = 0
	}
	for i, n := range left {
		if n > 0 {
			out = append(out, MoveCount{format.State(i >> 3), format.State(i & 7), "", n})
		}
	}
	return out
}

// SuspensionText says for how long processes were stopped from outside, and by whom, as the end of
// a sentence; empty where none was.
func (s *Summary) SuspensionText(duration func(ns int64) string) string {
	if s.SuspendedCount == 0 {
		return ""
	}
	var by []string
	for _, x := range s.Suspended {
		if who, _ := Suspender(s.names.Reason(x.Reason)); !slices.Contains(by, who) {
			by = append(by, who)
		}
	}
	who, times := ProcessText(format.Unknown)+" was", ""
	if s.Processes > 1 {
		who = "processes were"
	}
	if s.SuspendedCount > 1 {
		times = fmt.Sprintf(" in all, %d times", s.SuspendedCount)
	}
	return fmt.Sprintf("%s stopped for %s%s (%s)", who, duration(s.SuspendedNS), times, strings.Join(by, ", "))
}

// suspended counts a suspension.
func (s *Summary) suspended(x Suspension) {
	s.SuspendedCount++
	s.SuspendedNS += x.Len()
	if len(s.Suspended) < maxProblems {
		s.Suspended = append(s.Suspended, x)
	}
}

func (s *Summary) problem(p Problem) {
	s.Counts[p.Kind]++
	if len(s.Problems) < maxProblems {
		s.Problems = append(s.Problems, p)
	}
}
