package caveat

import (
	"slices"

	"github.com/gosched/gosched/format"
)

// asked are the questions that a recording can be made for.
var asked = [numQuestions]string{
	Latency: "latency", Blocking: "blocking", Goroutines: "goroutines", Requests: "requests",
}

// Asked are the names of the questions that a recording can be made for, which are those of the
// commands that answer them.
func Asked() (names []string) {
	for _, name := range asked {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// IsQuestion says whether that is the name of a question that a recording can be made for.
func IsQuestion(name string) bool { return name != "" && slices.Contains(asked[:], name) }

// Unneeded are the classes of transitions that a recording for these questions can leave out: the
// figures of the answers are the same without them. ok is false where a question is none of [Asked].
func Unneeded(names ...string) (classes []format.Transition, ok bool) {
	classes = format.Transitions()
	for _, name := range names {
		if !IsQuestion(name) {
			return nil, false
		}
		q := Question(slices.Index(asked[:], name))
		classes = slices.DeleteFunc(classes, func(t format.Transition) bool { return wants(q, t) })
	}
	return classes, len(names) > 0
}

// wants says whether a recording for a question is to have a class.
func wants(q Question, t format.Transition) bool {
	return slices.ContainsFunc(needs, func(n need) bool {
		if n.class != t {
			return false
		}
		return n.effects[q] != "" && !slices.Contains(n.explains, q) || slices.Contains(n.betters, q)
	})
}
