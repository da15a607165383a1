package info

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// questions are what a trace may be asked and what must be covered for it to answer: without the
// first of it there is no answer, without the others it is partial.
var questions = []struct {
	name  string
	needs []format.Transition
}{
	{"how long goroutines waited to run", []format.Transition{format.TransitionRun, format.TransitionCreate,
		format.TransitionReady, format.TransitionYield, format.TransitionSyscalls}},
	{"what goroutines waited for", []format.Transition{format.TransitionPark, format.TransitionReady}},
	{"who woke whom", []format.Transition{format.TransitionReady}},
	{"who created whom", []format.Transition{format.TransitionCreate}},
	{"where in the code it happened", []format.Transition{format.TransitionStacks}},
	{"time in system calls", []format.Transition{format.TransitionSyscalls}},
	{"time in C", []format.Transition{format.TransitionCgo}},
	{"coroutine switches (iter.Pull)", []format.Transition{format.TransitionCoroutines}},
	{"which goroutines ended", []format.Transition{format.TransitionExit}},
	{"garbage collection and stop-the-world pauses", []format.Transition{format.TransitionGC}},
	{"whether a thread waited for a CPU", []format.Transition{format.TransitionKernel}},
}

func source(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

// describe fills in what the metadata says, and what follows from it.
func (r *Result) describe() {
	r.Warnings, r.Questions = []report.Warning{}, []Question{}
	meta := r.Metadata
	r.Source, r.Lost, r.LostStacks, r.Complete = meta.Source, meta.Lost, meta.LostStacks, meta.EndNS != 0
	if len(meta.Processes) > 0 {
		r.GoVersion = meta.Processes[0].GoVersion
	}
	r.Questions = answers(meta)
	add := func(code, text string, args ...any) {
		r.Warnings = append(r.Warnings, report.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	if len(meta.Processes) == 0 {
		add("metadata", "the trace does not say how it was recorded")
	}
	if !r.Complete {
		add("incomplete",
			"the recorder did not come to its end: the trace stops with the last part that it had written")
	}
	switch gaps := report.FormatNumber(r.Gaps, "gap"); {
	case r.Lost > 0:
		add("gaps", "%s lost, in %s: %s of the time", report.FormatNumber(r.Lost, "event"), gaps,
			report.FormatShare(r.GapShare))
	case r.Gaps > 0:
		add("gaps", "not everything was looked for in %s: %s of the time", gaps, report.FormatShare(r.GapShare))
	}
	if meta.ClockStepNS >= format.CoarseClockNS {
		add("clock", "the machine's clock%s moved in steps of %s: what happened on several CPUs within a step "+
			"has one time and its order is a guess, and a delay shorter than a step is not measured",
			source(meta.ClockSource), report.FormatDuration(meta.ClockStepNS))
	}
	if r.LostStacks > 0 {
		add("stacks", "%s without a stack because it was lost", report.FormatNumber(r.LostStacks, "event"))
	}
	if n := meta.Unread(); n > 0 {
		add("unread", "there was no time to read all goroutines from memory: up to %s that never moved may be missing",
			report.FormatNumber(n, "goroutine"))
	}
	if n := unsure(meta); n > 0 {
		add("unsure", "%s found in memory and left out: what the memory showed may have been out of date",
			report.FormatNumber(n, "goroutine"))
	}
	r.Warnings = append(r.Warnings, moduleWarnings(meta)...)
	if r.ProblemCount > 0 {
		add("problems", "%s against the scheduler model", report.FormatNumber(r.ProblemCount, "event"))
	}
}

// unsure is how many goroutines were found in memory in a state that is not certain.
func unsure(meta *format.Metadata) (n int64) {
	for _, s := range meta.Snapshots {
		n += s.Unsure
	}
	return n
}

// answers goes through the questions.
func answers(meta *format.Metadata) []Question {
	out := []Question{}
	for _, q := range questions {
		answer := Question{Name: q.name, Answer: Yes}
		var why []string
		for i := range meta.Processes {
			for _, text := range answer.ask(&meta.Processes[i], q.needs) {
				if len(meta.Processes) > 1 {
					text = replay.ProcessText(meta.Processes[i].PID) + ": " + text
				}
				why = append(why, text)
			}
		}
		answer.Why = strings.Join(why, "; ")
		out = append(out, answer)
	}
	return out
}

// ask lowers the answer to what the trace of a process can say, and returns why, and what to know.
func (q *Question) ask(p *format.Process, needs []format.Transition) (why []string) {
	for _, t := range format.Transitions() {
		note, missing := p.Missing(t)
		if !slices.Contains(needs, t) || !missing && note == "" {
			continue
		}
		if missing && t == needs[0] {
			q.Answer = No
		} else if missing && q.Answer == Yes {
			q.Answer = Partly
		}
		why = append(why, reason(t, missing, note))
	}
	if unknown := unknownModules(p); needs[0] == format.TransitionStacks && q.Answer == Yes && unknown != "" {
		q.Answer = Partly
		why = append(why, unknown)
	}
	return why
}

func reason(t format.Transition, missing bool, why string) string {
	text := t.String()
	if missing {
		text += " not recorded"
	}
	if why != "" {
		text += ": " + why
	}
	return text
}
