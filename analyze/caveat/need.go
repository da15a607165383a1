package caveat

import (
	"fmt"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Question is what a trace is asked.
type Question uint8

// The questions.
const (
	Trace      Question = iota // what is in it; what it lacks is said without an effect, too
	Latency                    // how long goroutines waited to run
	Blocking                   // where goroutines waited, and for what
	Goroutines                 // which goroutines are left
	Requests                   // how long work cycles take, and what for
	Rounds                     // where goroutines' time goes, as rounds tell
	Comparison                 // is one recording worse than another
	Lengths                    // how long waits took, in percentiles
	numQuestions
)

// effects say what is wrong with the answer to each question; empty where nothing is.
type effects [numQuestions]string

// weight is what a trace that lacks something is worth.
type weight uint8

const (
	tabled weight = iota // as much: gosched info has it in a table
	noted                // as much, but a reader of the trace has to know it
	spoils               // less: something should be there and is not
)

// need is something that answers need of a trace.
type need struct {
	code    string // of the warning
	weight  weight
	lacks   func(*replay.Summary) []lack
	effects effects
	// Of a class of transitions: what is lost of these answers is an explanation; their figures stay.
	explains []Question
	// And these answers are better with it, though nothing is said where it is missing.
	betters []Question
	class   format.Transition
}

// explaining is the need of a class without which the answers to some questions only explain less.
func (n need) explaining(qs ...Question) need {
	n.explains = qs
	return n
}

// bettering is the need of a class that makes the answers to some questions better without a word.
func (n need) bettering(qs ...Question) need {
	n.betters = qs
	return n
}

// lack is one way in which a trace does not give what is needed.
type lack struct {
	process    *format.Process // nil: it is of all of them
	transition format.Transition
	count      int64
	text       string // without an end, so that the effect can follow
}

// needs is the table. Its order is that of warnings.
var needs = []need{
	{code: "sampled", weight: noted, lacks: noMoves, effects: refusals},
	{code: "metadata", weight: noted, lacks: noMetadata},
	{code: "incomplete", weight: spoils, lacks: notEnded},
	{code: "gaps", weight: spoils, lacks: gaps, effects: effects{
		Latency:    "delays that reach into it are censored",
		Blocking:   "waits that reach into it are censored",
		Goroutines: "no leak is reported, because wake-ups may be among them",
		Rounds:     "that time is in no share, where there were no rounds in it",
		Requests:   "cycles that reach into it are censored",
	}},
	{code: "windows", weight: noted, lacks: windowed, effects: effects{
		Trace:      "counts and times are of the windows",
		Latency:    "percentiles are of the delays that began in one, and counts and times are of the windows",
		Blocking:   "times and counts are of the windows, and what was done between them has no cause",
		Goroutines: "times are of the windows, and no leak is reported, because wake-ups between them were not seen",
		Requests:   "percentiles are of the cycles that began in one, and counts and times are of the windows",
	}},
	{code: "unread-windows", weight: tabled, lacks: unreadWindows, effects: effects{
		Latency:    "what a goroutine had waited for before it was woken is not known where the wait began earlier",
		Blocking:   "a goroutine that waited through a whole window is not in its times: waits are at least that long",
		Goroutines: "a goroutine that did nothing in a window is not in its times",
	}},
	{code: "clock", weight: noted, lacks: coarseClock, effects: effects{
		Trace: "what happened on several CPUs within a step has one time and its order is a guess, and a delay " +
			"shorter than a step is not measured",
		Latency:  "delays shorter than a step are not measured",
		Blocking: "times shorter than a step are not measured, and who woke whom within one is a guess",
		Requests: "times shorter than a step are not measured, and who woke whom within one is a guess",
	}},
	{code: "stopped", weight: noted, lacks: suspensions, effects: effects{
		Latency:    "the breakdown shows what that added to delays as " + replay.PartStopped.String(),
		Blocking:   "what that blocked has it as its cause",
		Goroutines: "the times of goroutines have that in them",
		Requests:   "cycles are as much longer",
	}},
	{code: "problems", weight: spoils, lacks: problems, effects: effects{
		Latency:    "the delays that they end are left out",
		Blocking:   "the waits that they end are left out",
		Goroutines: "some states may be wrong",
		Requests:   "the cycles that they end are left out",
	}},
	class(format.TransitionCreate, effects{
		Latency:    "delays of new goroutines are missing",
		Goroutines: "new goroutines are found late, and no leak is reported",
		Requests:   "cycles from creation to exit are missing",
	}).bettering(Blocking),
	class(format.TransitionRun, effects{
		Latency:  "no delay has an end",
		Blocking: "waits for a P have no end",
	}).bettering(Goroutines, Requests),
	class(format.TransitionPark, effects{
		Latency:    "which Ps were free is not known, and what the delays were for want of",
		Blocking:   "no wait is seen",
		Goroutines: "waits and where they happen are missing",
		Requests:   "no cycle is seen",
	}).explaining(Latency),
	class(format.TransitionReady, effects{
		Latency:    "delays of woken goroutines are missing",
		Blocking:   "waits have no known waker, and no cause",
		Goroutines: "wake-ups and wakers are missing, and no leak is reported",
		Requests:   "what began a cycle is not known, nor what it waited for",
	}),
	class(format.TransitionYield, effects{
		Latency: "delays after preemption are missing, and after system calls that found no P",
	}).bettering(Blocking, Goroutines, Requests),
	class(format.TransitionExit, effects{
		Goroutines: "goroutines that ended are listed, and no leak is reported",
		Requests:   "cycles from creation to exit have no end",
	}).bettering(Latency, Blocking),
	class(format.TransitionSyscalls, effects{
		Latency:  "what of the delays was for want of Ps in system calls is not known",
		Blocking: "system calls count as running",
		Requests: "a cycle that found its data without waiting is one with that before it",
	}).explaining(Latency).bettering(Goroutines),
	class(format.TransitionGC, effects{
		Latency:  "stop-the-world pauses are in the other parts of the breakdown",
		Blocking: "stop-the-world pauses count as what they delayed",
	}).explaining(Latency).bettering(Requests),
	class(format.TransitionStacks, effects{
		Blocking:   "waits at different places look alike",
		Goroutines: "goroutines are told apart by their reasons alone",
		Requests:   "no top of a loop is known",
	}),
	class(format.TransitionKernel, effects{
		Latency:  "what of the delays was for want of a CPU is not known",
		Blocking: "running goroutines whose thread had no CPU count as running",
		Requests: "time in which a thread had no CPU counts as what the goroutine did",
	}).explaining(Latency),
	class(format.TransitionCoroutines, effects{}).bettering(Blocking, Goroutines, Requests),
	class(format.TransitionCgo, effects{}).bettering(Blocking, Goroutines, Requests),
	class(format.TransitionSamples, effects{}).bettering(Blocking, Requests),
	class(format.TransitionDescriptors, effects{}).bettering(Blocking, Goroutines),
	{code: "coverage", weight: tabled, lacks: noSlowReturns, effects: effects{
		Latency: "delays after system calls are missing",
	}},
	{code: "gomaxprocs", weight: tabled, lacks: raisedProcs, effects: effects{
		Latency: fmt.Sprintf("%q and %q are too large", replay.PartAllBusy, replay.PartSyscall),
	}},
	{code: "doubled", weight: noted, lacks: doubled, effects: effects{
		Blocking:   "that is left out of what ran",
		Goroutines: "that is left out of what ran",
	}},
	{code: "stacks", weight: spoils, lacks: lostStacks, effects: effects{
		Blocking:   "their places are unknown",
		Goroutines: "their places are unknown",
		Requests:   "their places are unknown",
		Rounds:     "their places are unknown",
	}},
	{code: "few-rounds", weight: tabled, lacks: fewRounds, effects: effects{
		Rounds: "intervals are wide, and what lasts only for moments may be missing",
	}},
	{code: "late-rounds", weight: noted, lacks: lateRounds, effects: effects{
		Trace:  "they are not quite at random",
		Rounds: "they are not quite at random: what keeps the CPUs busy is found too seldom",
	}},
	{code: "skipped-rounds", weight: noted, lacks: skippedRounds, effects: effects{
		Trace:  "intervals are wider",
		Rounds: "the intervals are wider for it, and hold all the same",
	}},
	{code: "weights", weight: noted, lacks: weightedRounds, effects: effects{
		Trace:  "which goroutines ended is not known",
		Rounds: "which goroutines ended is not known, and no leak is reported",
	}},
	{code: "unread", weight: noted, lacks: unread, effects: effects{
		Trace:      "those that never moved are missing",
		Goroutines: "those that never moved are missing",
	}},
	{code: "unsure", weight: noted, lacks: unsure, effects: effects{
		Trace:      "what the memory showed may have been out of date",
		Goroutines: "what the memory showed may have been out of date",
	}},
	{code: "runtimes", weight: noted, lacks: otherRuntimes, effects: effects{
		Trace: "its goroutines are not in the trace",
	}},
	{code: "modules", weight: noted, lacks: unknownModules, effects: effects{}},
}

func noMetadata(s *replay.Summary) []lack {
	if len(s.Metadata().Processes) > 0 {
		return nil
	}
	return []lack{{text: "the trace does not say how it was recorded"}}
}

func notEnded(s *replay.Summary) []lack {
	if s.Metadata().EndNS != 0 {
		return nil
	}
	return []lack{{text: "the recorder did not come to its end, and the trace stops with what it had written last"}}
}

func gaps(s *replay.Summary) []lack {
	lost, count := s.Metadata().Lost, s.Gaps-s.BudgetGaps
	if count == 0 && lost == 0 {
		return nil
	}
	what := "not everything was looked for"
	if lost > 0 {
		what = report.FormatNumber(lost, "event") + " lost"
	}
	return []lack{{count: count, text: fmt.Sprintf("%s during %s of the time (%s)", what,
		report.FormatShare(s.LostShare()), report.FormatNumber(count, "gap"))}}
}

// windowed says that probes were attached for a part of the time only.
func windowed(s *replay.Summary) []lack {
	w := &s.Windows
	if w.Count == 0 {
		return nil
	}
	return []lack{{count: w.Count, text: fmt.Sprintf("probes were attached for %s of the time, in %s, to keep within "+
		"the budget", report.FormatShare(w.Share()), report.FormatNumber(w.Count, "window"))}}
}

// unreadWindows says that goroutines were not read from memory in every window.
func unreadWindows(s *replay.Summary) []lack {
	n := s.Windows.Count - s.Windows.Read
	if n == 0 {
		return nil
	}
	return []lack{{count: n, text: "goroutines were not read from memory in " + report.FormatNumber(n, "window")}}
}

func coarseClock(s *replay.Summary) []lack {
	meta := s.Metadata()
	if meta.ClockStepNS < format.CoarseClockNS {
		return nil
	}
	source := ""
	if meta.ClockSource != "" {
		source = " (" + meta.ClockSource + ")"
	}
	return []lack{{text: fmt.Sprintf("the machine's clock%s moved in steps of %s", source,
		report.FormatDuration(meta.ClockStepNS))}}
}

func suspensions(s *replay.Summary) []lack {
	text := s.SuspensionText(report.FormatDuration)
	if text == "" {
		return nil
	}
	return []lack{{count: s.SuspendedCount, text: text}}
}

func problems(s *replay.Summary) []lack {
	n := s.Counts.Total()
	if n == 0 {
		return nil
	}
	return []lack{{count: n, text: report.FormatNumber(n, "event") + " against the scheduler model"}}
}

// class is the need for a class of transitions.
func class(t format.Transition, e effects) need {
	return need{code: "coverage", weight: tabled, class: t, effects: e, lacks: notRecorded(t)}
}

// notRecorded are the processes of which a class is not recorded, or not all the time.
func notRecorded(t format.Transition) func(*replay.Summary) []lack {
	return func(s *replay.Summary) (out []lack) {
		for _, p := range processes(s) {
			why, missing := p.Missing(t)
			if !missing {
				out = append(out, unwatched(s, p, t)...)
				continue
			}
			if why != "" {
				why = " (" + why + ")"
			}
			out = append(out, lack{process: p, transition: t, text: t.String() + " not recorded" + why})
		}
		return out
	}
}

// returnsSince is the schema version from which on goroutines that find no P after a system call are
// recorded although system calls are left out.
const returnsSince = 4

// noSlowReturns are the processes of an older trace without system calls.
func noSlowReturns(s *replay.Summary) (out []lack) {
	if s.Metadata().SchemaVersion >= returnsSince {
		return nil
	}
	return notRecorded(format.TransitionSyscalls)(s)
}

// unwatched says for how much of the time that was watched a class was not watched that was watched otherwise.
func unwatched(s *replay.Summary, p *format.Process, t format.Transition) (out []lack) {
	watched := ""
	if s.Windows.Count > 0 {
		watched = " in windows"
	}
	for _, u := range s.Unwatched {
		if u.Class == t && (u.PID == p.PID || u.PID == format.Unknown) {
			of := s.DurationOf(p.PID)
			if s.Windows.Count > 0 {
				of = min(of, s.WatchedNS())
			}
			share := min(1, float64(u.NS)/float64(max(1, of)))
			out = append(out, lack{process: p, transition: t, text: t.String() + " not recorded during " +
				report.FormatShare(share) + " of the time" + watched + ", to keep within the budget"})
		}
	}
	return out
}

func processes(s *replay.Summary) []*format.Process {
	list := s.Metadata().Processes
	out := make([]*format.Process, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

func raisedProcs(s *replay.Summary) (out []lack) {
	for _, pid := range s.BeyondProcs {
		out = append(out, lack{process: &format.Process{PID: pid}, text: "GOMAXPROCS was raised while recording"})
	}
	return out
}

// doubled are the goroutines that are said to have run where others did, by their processes.
func doubled(s *replay.Summary) []lack {
	if s.LeftOutCount == 0 {
		return nil
	}
	first := &s.LeftOut[0]
	text := fmt.Sprintf("goroutine %d (%s) is said to have run for %s on a P where others did", first.GoID,
		s.Names().Entry(first.Entry), report.FormatDuration(first.End-first.Begin))
	if n := s.LeftOutCount - 1; n > 0 {
		text += ", and " + report.FormatNumber(n, "more run") + " like it"
	}
	return []lack{{count: s.LeftOutCount, text: text}}
}

func lostStacks(s *replay.Summary) []lack {
	n := s.Metadata().LostStacks
	if n == 0 {
		return nil
	}
	return []lack{{count: n, text: report.FormatNumber(n, "event") + " without a stack because it was lost"}}
}

func unread(s *replay.Summary) []lack {
	n := s.Metadata().Unread()
	if n == 0 {
		return nil
	}
	return []lack{{count: n, text: "there was no time to read all goroutines from memory, up to " +
		report.FormatNumber(n, "goroutine") + " were left out"}}
}

func unsure(s *replay.Summary) []lack {
	var n int64
	for _, shot := range s.Metadata().Snapshots {
		n += shot.Unsure
	}
	if n == 0 {
		return nil
	}
	return []lack{{count: n, text: report.FormatNumber(n, "goroutine") +
		" found in memory and left out"}}
}

func otherRuntimes(s *replay.Summary) (out []lack) {
	for _, p := range processes(s) {
		for _, m := range p.Modules {
			if m.Other {
				out = append(out,
					lack{process: p, text: m.Path + " has a Go runtime of its own"})
			}
		}
	}
	return out
}

func unknownModules(s *replay.Summary) (out []lack) {
	for _, p := range processes(s) {
		for _, m := range p.Modules {
			if m.Why != "" {
				out = append(out, lack{process: p, count: m.Stacks, text: fmt.Sprintf("%s with functions of %s, which "+
					"are not known: %s", report.FormatNumber(m.Stacks, "event"), m.Path, m.Why)})
			}
		}
	}
	return out
}
