package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// What the verdict says, and of how much.
const (
	maxSentences = 3   // of one process
	maxVerdicts  = 3   // processes that it speaks of, those with the most blocked time
	minTold      = 0.2 // of blocked time; what explains less is not worth a sentence of its own
	minOther     = 0.5 // of what a sentence explains: as much must not be explained by those before it
	littleShare  = 0.1 // of a goroutine on average; who is blocked for less is not worth a look
)

// judged is a process with what was found in it.
type judged struct {
	*look
	findings []Finding // of the rules, the largest share first
	waits    []Finding // the waits for goroutines of one entry function, each explained in general
	causes   []Finding // the root causes, each explained in general
}

// verdict is the answer in a few sentences, for each of the processes with the most blocked time.
func verdict(list []*judged, several bool) []string {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *judged) int { return cmp.Compare(b.account.blockedNS, a.account.blockedNS) })
	out := []string{}
	for _, j := range list[:min(len(list), maxVerdicts)] {
		for _, sentence := range j.verdict() {
			if several {
				sentence = replay.ProcessText(j.pid) + ": " + sentence
			}
			out = append(out, sentence)
		}
	}
	return out
}

// verdict is what there is to say of one process, the most important first.
func (j *judged) verdict() []string {
	duration := j.watchedNS
	if duration <= 0 {
		return nil
	}
	if little := float64(j.account.blockedNS) < littleShare*float64(duration); little {
		text := fmt.Sprintf("Little is blocked: %s in %s, %s of one goroutine's time on average%s.",
			report.FormatDuration(j.account.blockedNS), report.FormatDuration(duration),
			report.FormatShare(float64(j.account.blockedNS)/float64(duration)), j.idling())
		return []string{text}
	}
	if out := j.told(); len(out) > 0 {
		return out
	}
	return []string{j.unsaid()}
}

// minIdling is how many idle goroutines on average are worth a word, where little is blocked.
const minIdling = 1

// idling says what idle goroutines wait for most, which may be work or what the program is slow for.
// It is empty where that is next to nothing, or comes from outside.
func (j *judged) idling() string {
	by := map[cause]int64{}
	first := map[cause]*blocking.Chain{}
	var most cause
	for i := range j.account.idle {
		c := &j.account.idle[i]
		key := cause{c.Cause.Kind, c.Cause.Name, c.Cause.Syscall}
		if first[key] == nil || c.NS > first[key].NS {
			first[key] = c
		}
		if by[key] += c.NS; by[key] > by[most] {
			most = key
		}
	}
	average := j.average(by[most])
	if average < minIdling || most.kind == blocking.KindUnknown {
		return ""
	}
	x := inside{leaf: first[most].Cause, say: j.saying(first[most].Cause)}
	return fmt.Sprintf("; idle goroutines, %.1f on average, wait for one that %s", average, x.does())
}

// told is a finding that the verdict tells, and how much of it others did not tell before.
type told struct {
	*Finding
	leftNS int64
}

// told are the sentences on most of the blocked time: first what rules found in the code, then, of
// what is left, whom goroutines wait for, what rules found in the machine, and the root causes. So a
// lock explains also the time in which its holder had no CPU. No two explain mostly the same time.
// What explains the most that no other does comes first.
func (j *judged) told() []string {
	seen := map[int]bool{}
	var chosen []told
	program, machine := j.byBlame()
	for _, list := range [][]Finding{program, j.waits, machine, j.causes} {
		for i := range list {
			f := &list[i]
			left := j.account.beyond(f.explains, seen)
			if f.unknown || len(chosen) == maxSentences || j.account.share(left) < minTold ||
				float64(left) < minOther*float64(f.ExplainedNS) {
				continue
			}
			chosen = append(chosen, told{f, left})
			for _, c := range f.explains.chains {
				seen[c] = true
			}
		}
	}
	j.weigh(chosen)
	var out []string
	for _, t := range chosen {
		out = append(out, t.Sentence)
	}
	return out
}

// byBlame are the findings on the program and those on the machine that it runs on.
func (j *judged) byBlame() (program, machine []Finding) {
	for _, f := range j.findings {
		if f.machine {
			machine = append(machine, f)
		} else {
			program = append(program, f)
		}
	}
	return program, machine
}

// mostlyStarved is the share of what the program is to blame for in which other programs had the CPU
// from which on the machine comes first.
const mostlyStarved = 0.9

// weigh puts the sentences in their order: what explains the most that others do not comes first. What
// the machine is to blame for counts a third: it makes worse whatever else is wrong, and that can be
// mended, unless there is next to nothing else.
func (j *judged) weigh(list []told) {
	starved := true
	for _, t := range list {
		starved = starved && (t.machine || j.account.starved(t.explains) >= mostlyStarved)
	}
	weight := func(t *told) int64 {
		if t.machine && !starved {
			return t.leftNS / 3
		}
		return t.leftNS
	}
	slices.SortStableFunc(list, func(a, b told) int { return cmp.Compare(weight(&b), weight(&a)) })
}

// unsaid is what there is to say where nothing is told: that the trace does not know most of it, or
// that there are many small causes.
func (j *judged) unsaid() string {
	var share float64
	var why string
	for i := range j.causes {
		if f := &j.causes[i]; f.unknown {
			share += f.Share
			why = cmp.Or(why, f.Behind)
		}
	}
	if share >= minOther {
		return fmt.Sprintf("The trace does not say what %s of blocked time was for: %s%s.", percent(share), why,
			j.idling())
	}
	return j.scattered()
}

// scatteredNamed is how many causes are named where none explains much.
const scatteredNamed = 3

// scattered is said where nothing explains a fifth of the blocked time.
func (j *judged) scattered() string {
	var names []string
	for _, f := range j.causes[:min(len(j.causes), scatteredNamed)] {
		names = append(names, percent(f.Share)+" "+f.Behind)
	}
	text := "Nothing explains more than a fifth of blocked time"
	if len(names) > 0 {
		text += ": the largest are " + strings.Join(names, ", ")
	}
	text += j.idling() + "."
	if d := j.delayed(); d.share(d.recorderNS) >= minTold {
		text += " " + j.closing()
	}
	return text
}

// percent is a share in whole percent where that says enough.
func percent(share float64) string {
	if share < 0.01 {
		return report.FormatShare(share)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

// clause is what a hit says that has no words of its own: the title, the code and the evidence.
func (rule *Rule) clause(h *hit) string {
	text := small(rule.Title)
	if h.function != "" {
		text += ": " + named(h.code)
	}
	if len(h.evidence) > 0 {
		text += " (" + small(strings.TrimSuffix(h.evidence[0], ".")) + ")"
	}
	return text
}

// say makes the finding's sentence: how much, what and what to do.
func (f *Finding) say(clause string) {
	lead := capital(clause)
	if f.Share > 0 {
		lead = percent(f.Share) + " of blocked time: " + clause
	}
	f.Sentence = lead + " → " + small(f.Advice)
}

// capital begins a text as a sentence begins, unless it begins with a name of code.
func capital(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if strings.ContainsAny(word, ".(/") {
		return text
	}
	return changed(text, unicode.ToUpper)
}

// small makes a sentence go on after a colon or an arrow. Abbreviations stay as they are.
func small(text string) string {
	if r := []rune(text); len(r) > 1 && unicode.IsUpper(r[1]) {
		return text
	}
	return changed(text, unicode.ToLower)
}

func changed(text string, change func(rune) rune) string {
	r := []rune(text)
	if len(r) > 0 {
		r[0] = change(r[0])
	}
	return string(r)
}
