package rounds

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// waits say what a wait of a class is for, where the reason does not say it better.
var waits = map[replay.Class]string{
	replay.ClassChannel:   "waits for a channel",
	replay.ClassSelect:    "waits in a select",
	replay.ClassMutex:     "waits for a mutex",
	replay.ClassSync:      "waits for another goroutine",
	replay.ClassTimer:     "sleeps",
	replay.ClassNetwork:   "waits for the network, a pipe or a terminal",
	replay.ClassGC:        "waits for the garbage collector",
	replay.ClassStop:      "waits to stop the world",
	replay.ClassCoroutine: "waits for the other side of an iterator",
	replay.ClassForever:   "waits for what cannot come",
}

// waitsByReason say what a wait with a reason that begins so is for.
var waitsByReason = []struct{ prefix, text string }{
	{"chan receive", "waits to receive from a channel"},
	{"chan send", "waits to send on a channel"},
	{"sync.RWMutex", "waits for an RWMutex"},
	{"sync.WaitGroup", "waits for a sync.WaitGroup"},
	{"sync.Cond", "waits for a sync.Cond"},
	{"sync.(*Cond)", "waits for a sync.Cond"},
}

// activity says what goroutines do in a state, as a verb.
func activity(state, reason, text string) string {
	switch state {
	case format.StateRunning.String():
		return "runs"
	case format.StateRunnable.String():
		return "could run and waits for a P"
	case format.StateSyscall.String():
		if reason != "" {
			return "is in a system call, " + reason
		}
		return "is in a system call, or in C"
	}
	class := replay.ClassAt(reason, text)
	if class != replay.ClassForever {
		for _, w := range waitsByReason {
			if strings.HasPrefix(reason, w.prefix) {
				return w.text
			}
		}
	}
	if words := waits[class]; words != "" {
		return words
	}
	return strings.TrimSpace("waits " + reason)
}

// percent writes a share with its interval: 41% [38–44].
func percent(e stats.Estimate) string {
	decimals := 0
	switch p := 100 * e.Value; {
	case p == 0 || p >= 99.95:
	case p < 1:
		decimals = 2
	case p < 10:
		decimals = 1
	}
	number := func(v float64) string { return strconv.FormatFloat(100*v, 'f', decimals, 64) }
	return fmt.Sprintf("%s%% [%s–%s]", number(e.Value), number(e.Lo), number(e.Hi))
}

// interval writes the ends of a share's interval for a table.
func interval(e stats.Estimate) report.Cell {
	return report.Text(strings.TrimSuffix(report.FormatShare(e.Lo), "%") + "–" + report.FormatShare(e.Hi))
}

// average writes how many there are on average, with the interval.
func average(e stats.Estimate) string {
	return fmt.Sprintf("%s [%s–%s]", report.FormatAverage(e.Value, ""), report.FormatAverage(e.Lo, ""), upper(e.Hi))
}

func upper(v float64) string {
	if math.IsInf(v, 0) {
		return "?"
	}
	return report.FormatAverage(v, "")
}

// averages are the ends of the interval of an average, for a table.
func averages(e stats.Estimate) report.Cell {
	return report.Text(report.FormatAverage(e.Lo, "") + "–" + upper(e.Hi))
}

// The lead has this many places, and none that is less than this share.
const (
	leadPlaces = 3
	leadShare  = 0.1
)

// lead is the verdict: where the time that is not idle goes.
func (r *Result) lead() []string {
	out := []string{}
	for i := range r.Processes {
		p := &r.Processes[i]
		of := ""
		if len(r.Processes) > 1 {
			of = "Of " + replay.ProcessText(p.PID) + ": "
		}
		for _, text := range p.lead() {
			out = append(out, of+text)
		}
	}
	return out
}

func (p *Process) lead() (out []string) {
	for i := range p.Shares {
		s := &p.Shares[i]
		if s.By != ByFunction || s.busy() < leadShare && len(out) > 0 || len(out) == leadPlaces || s.NotIdle == nil {
			continue
		}
		of := " of that time: "
		if len(out) == 0 {
			of = " of goroutine time that is not idle: "
		}
		out = append(out, percent(*s.NotIdle)+of+s.sentence())
	}
	idle := fmt.Sprintf("%s of the time of the program's goroutines, of which there are %s, is idle.", percent(p.Idle),
		average(p.Goroutines))
	if len(out) == 0 {
		idle = fmt.Sprintf("Nothing but waits for work was seen of the program's goroutines, of which there are %s.",
			average(p.Goroutines))
	}
	return append(out, idle)
}

// sentence says what goroutines do, and where.
func (s *Share) sentence() string {
	text := activity(s.State, s.Reason, "")
	switch {
	case s.Frame != "":
		return fmt.Sprintf("%s in %s (%s).", text, stack.Local(s.Name), stack.Position(s.Frame))
	case s.State == format.StateRunning.String():
		return fmt.Sprintf("%s, in goroutines that begin with %s.", text, stack.Local(s.Name))
	}
	return fmt.Sprintf("%s in %s.", text, stack.Local(s.Name))
}

// worth is the part of the rounds below which those that resemble each other are worth a warning.
const worth = 0.5

// warnings say what is wrong with estimates beside what the trace lacks.
func (r *Result) warnings() (out []report.Warning) {
	if len(r.Processes) == 0 {
		return []report.Warning{{Code: "empty", Text: "the trace has no round"}}
	}
	for i := range r.Processes {
		p := &r.Processes[i]
		if p.alike > 0 && p.alike < worth*float64(p.Rounds) {
			out = append(out, report.Warning{Code: "alike", PID: p.PID, Count: int64(p.alike), Text: fmt.Sprintf(
				"rounds resemble those before them: the program does one thing for long, and the shares of %s are as "+
					"certain as those of %s that do not: another time may well have others",
				report.FormatNumber(p.Rounds, "round"), report.FormatNumber(int64(p.alike), "round"))})
		}
		if p.leftOut > 0 {
			out = append(out, report.Warning{Code: "bound", PID: p.PID, Count: p.leftOut, Text: fmt.Sprintf(
				"rounds have too many goroutines to take all: %s were left out", report.FormatNumber(p.leftOut,
					"goroutine"))})
		}
	}
	return out
}
