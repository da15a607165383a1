package info

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// questions are what a trace may be asked and what must be covered for it to answer: without the
// first of it there is no answer, without the others it is partial.
var questions = []struct {
	name  string
	needs []string
}{
	{"how long goroutines waited to run", []string{"run", "create", "ready", "yield", "syscalls"}},
	{"what goroutines waited for", []string{"park", "ready"}},
	{"who woke whom", []string{"ready"}},
	{"who created whom", []string{"create"}},
	{"where in the code it happened", []string{"stacks"}},
	{"time in system calls", []string{"syscalls"}},
	{"time in C", []string{"cgo"}},
	{"coroutine switches (iter.Pull)", []string{"coroutines"}},
	{"which goroutines ended", []string{"exit"}},
	{"garbage collection and stop-the-world pauses", []string{"gc"}},
	{"whether a thread waited for a CPU", []string{"kernel"}},
}

// coarseStep is a step of the clock, in nanoseconds, in which a goroutine can be made ready and
// run.
const coarseStep = 1000

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
	if meta.ClockStepNS >= coarseStep {
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

// answers goes through the questions. A transition that is not mentioned in the coverage counts as
// covered.
func answers(meta *format.Metadata) []Question {
	out := []Question{}
	for _, q := range questions {
		answer := Question{Name: q.name, Answer: Yes}
		var why []string
		for _, p := range meta.Processes {
			for _, t := range p.Coverage {
				if !contains(q.needs, t.Name) || t.Covered && t.Why == "" {
					continue
				}
				switch {
				case t.Covered:
				case t.Name == q.needs[0]:
					answer.Answer = No
				case answer.Answer == Yes:
					answer.Answer = Partly
				}
				why = append(why, reason(t, p.PID, len(meta.Processes) > 1))
			}
			if unknown := unknownModules(p); q.needs[0] == "stacks" && answer.Answer == Yes && unknown != "" {
				answer.Answer = Partly
				why = append(why, unknown)
			}
		}
		answer.Why = strings.Join(why, "; ")
		out = append(out, answer)
	}
	return out
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func reason(t format.Transition, pid int32, several bool) string {
	text := t.Name
	if !t.Covered {
		text += " not recorded"
	}
	if t.Why != "" {
		text += ": " + t.Why
	}
	if several {
		text = replay.ProcessText(pid) + ": " + text
	}
	return text
}
