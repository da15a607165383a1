package info

import (
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// The questions that rounds answer too.
const (
	waitedFor  = "what goroutines waited for"
	whoCreated = "who created whom"
	inSyscalls = "time in system calls"
)

// asked is a question, with the classes that it needs.
type asked struct {
	name  string
	needs []format.Transition
}

func (a *asked) needsClass(t format.Transition) bool { return slices.Contains(a.needs, t) }

// questions are what a trace may be asked and what must be covered for it to answer: without the
// first of it there is no answer, without the others it is partial.
var questions = []asked{
	{"how long goroutines waited to run", []format.Transition{format.TransitionRun, format.TransitionCreate,
		format.TransitionReady, format.TransitionYield, format.TransitionSyscalls}},
	{waitedFor, []format.Transition{format.TransitionPark, format.TransitionReady}},
	{"who woke whom", []format.Transition{format.TransitionReady}},
	{whoCreated, []format.Transition{format.TransitionCreate}},
	{"where in the code it happened", []format.Transition{format.TransitionStacks}},
	{inSyscalls, []format.Transition{format.TransitionSyscalls}},
	{"time in C", []format.Transition{format.TransitionCgo}},
	{"coroutine switches (iter.Pull)", []format.Transition{format.TransitionCoroutines}},
	{"which goroutines ended", []format.Transition{format.TransitionExit}},
	{"garbage collection and stop-the-world pauses", []format.Transition{format.TransitionGC}},
	{"whether a thread waited for a CPU", []format.Transition{format.TransitionKernel}},
	{"what ran on the CPUs", []format.Transition{format.TransitionSamples}},
	{"which files, pipes and sockets are waited for", []format.Transition{format.TransitionDescriptors}},
}

// describe fills in what the metadata says, and what follows from it.
func (r *Result) describe() {
	meta := r.Metadata
	r.Source, r.Lost, r.LostStacks, r.Complete = meta.Source, meta.Lost, meta.LostStacks, meta.EndNS != 0
	var versions []string
	for _, p := range meta.Processes {
		if !slices.Contains(versions, p.GoVersion) {
			versions = append(versions, p.GoVersion)
		}
	}
	r.GoVersion = join(versions...)
	r.Questions = answers(meta)
}

// answers goes through the questions.
func answers(meta *format.Metadata) []Question {
	out := []Question{}
	for _, q := range questions {
		answer := Question{Name: q.name, Answer: Yes}
		var why []string
		for i := range meta.Processes {
			of := Question{Answer: Yes}
			texts := of.ask(&meta.Processes[i], q.needs)
			if i == 0 {
				answer.Answer = of.Answer
			} else if of.Answer != answer.Answer {
				answer.Answer = Partly
			}
			for _, text := range texts {
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
