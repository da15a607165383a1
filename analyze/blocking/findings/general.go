package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// general is what can be said of a root cause whatever the pattern is. In the texts {code} is the
// cause's code, {name} its name or system call.
type general struct {
	direct  string // of goroutines that it delays themselves
	awaited string // of one that others wait for: "for one that …"
	behind  string
	advice  string
}

// ownCPU says it of CPUs that the process's own goroutines had.
var ownCPU = general{"goroutines that could run wait for a CPU, which {name} of this program has",
	"has no CPU, which {name} of this program has", "CPU taken by {name} of this program",
	"Let that code run less, in fewer goroutines at once or in shorter pieces, or give the process more CPUs."}

// sampledRun says it of code that on-CPU samples saw running.
var sampledRun = general{"{code} runs", "runs {code}", "running {code}",
	"Make what it does there shorter, or let nobody wait for it."}

// generalOf says it of a root cause.
func generalOf(c *blocking.Leaf) general {
	switch {
	case c.Kind == blocking.KindOffCPU && c.Own:
		return ownCPU
	case c.Kind == blocking.KindRunning && c.Sampled:
		return sampledRun
	}
	return generals[c.Kind]
}

// generals says it of each kind.
var generals = map[blocking.Kind]general{
	blocking.KindRunning: {"{code} runs", "runs until {code}", "running until {code}",
		"Make what it does there shorter, or let nobody wait for it."},
	blocking.KindQueued: {"goroutines that could run wait for a P that {code} has",
		"could run and waits for a P that {code} has", "queued behind {code}",
		"Let that code run less, in fewer goroutines at once or in shorter pieces, or give the process more CPUs."},
	blocking.KindHeld: {"goroutines that could run wait for a P that {code} keeps in system call {name}",
		"could run and waits for a P that {code} keeps in system call {name}", "P in system call {name} in {code}",
		"Make fewer or shorter calls there, or give the process more Ps (GOMAXPROCS)."},
	blocking.KindSyscall: {"{code} is in system call {name}{on}", "is in system call {name}{on} in {code}",
		"system call {name} in {code}", "Make fewer or shorter calls, or none that others wait for."},
	blocking.KindOffCPU: {"threads with a goroutine on them have no CPU: {name} has it", "has no CPU: {name} has it",
		"CPU taken by {name}", "Use fewer Ps than CPUs, move the other program, or give this one CPUs of its own."},
	blocking.KindAsleep: {"the kernel has put the threads of running goroutines to sleep (page faults, locks of " +
		"the runtime)", "runs on a thread that the kernel has put to sleep (a page fault, a lock of the runtime)",
		"thread asleep in the kernel", "Look for page faults (perf trace -F all) and memory that is reclaimed."},
	blocking.KindWakeUp: {"goroutines that could run wait until an idle P or CPU has been woken",
		"could run and waits until an idle P or CPU has been woken", "wake-up of an idle P or CPU",
		"Hand over less often: more work for each wake-up."},
	blocking.KindSTW: {"goroutines that could run wait while the world is stopped ({name})",
		"could run while the world is stopped ({name})", "{name}",
		"Stop the world less often: fewer runtime.GC, ReadMemStats and profiles, less garbage."},
	blocking.KindStopped: {"the process is stopped from outside by {name}", "was stopped from outside by {name}",
		"process stopped by {name}", "Find who stops it."},
	blocking.KindNetwork: {"", "waits for the network in {code}", "network in {code}",
		"Ask the other side why it is slow, set a time limit, or do not wait for it while others wait."},
	blocking.KindTimer: {"", "waits for a timer in {code}", "timer in {code}",
		"Sleep for less, or not while others wait."},
	blocking.KindGC: {"goroutines wait for the garbage collector ({name})",
		"waits for the garbage collector ({name})", "garbage collector ({name})",
		"Allocate less, or raise GOGC or GOMEMLIMIT."},
	blocking.KindRuntime: {"", "is woken by the runtime in {code}", "the runtime in {code}",
		"Look at what it waits for there."},
	blocking.KindUnknown: {"the trace does not say what goroutines waited for ({name})",
		"the trace does not say what of ({name})", "unknown ({name})",
		"Record for longer, or with no class of transitions left out."},
}

// cause is the chains to one root cause, as a person tells causes apart.
type cause struct {
	kind          blocking.Kind
	name, syscall string
}

// explainedCauses says what can be said of each root cause in general, the largest first.
func (l *look) explainedCauses() []hit {
	by, keys := map[cause]*explained{}, []cause{}
	for i := range l.account.chains {
		c := l.account.chains[i].Cause
		if ofMachine(c) {
			continue // there are rules for it
		}
		key := cause{c.Kind, c.Name, c.Syscall}
		if by[key] == nil {
			by[key] = new(explained)
			keys = append(keys, key)
		}
		by[key].chains = append(by[key].chains, i)
	}
	slices.SortStableFunc(keys, func(a, b cause) int {
		return cmp.Compare(l.account.all(*by[b]), l.account.all(*by[a]))
	})
	var out []hit
	for _, key := range keys {
		out = append(out, l.generally(*by[key]))
	}
	return out
}

// explainedWaits says of each section whose waits are ended by goroutines of one entry function what
// these do.
func (l *look) explainedWaits() (out []hit) {
	for _, c := range l.inOrder {
		o := &c.others
		if c.isSerial() || o.sumNS == 0 || float64(o.entry.sum) < mostOfOutsiders*float64(o.sumNS) {
			continue
		}
		e := l.throughSections(func(d *section) bool { return d == c })
		if len(e.chains) == 0 {
			continue
		}
		entry := replay.EntryID(o.entry.id)
		first, who := l.inside(e)[0], l.whoWaits([]*section{c})
		out = append(out, hit{code: who, explains: e, behind: first.behind(), advice: l.saying(first.leaf).advice,
			clause: fmt.Sprintf("%s waits (%s) for %s (%s×, %s in all), %s", named(who),
				cmp.Or(c.reason, "unknown"), l.local(entry), report.FormatCount(c.waits.count),
				report.FormatDuration(c.waits.sumNS), mostly(l.inside(e), "it")),
			evidence: []string{"Meanwhile: " + insideText(l.inside(e)) + "."}})
	}
	return out
}

// generally explains chains to one root cause by the heaviest of them.
func (l *look) generally(e explained) hit {
	c := &l.account.chains[e.chains[0]] // they are in the order of their time
	say := l.saying(c.Cause)
	h := hit{code: leafCode(c.Cause), explains: e, behind: fill(c.Cause, say.behind), advice: say.advice,
		unknown: c.Cause.Kind == blocking.KindUnknown}
	if c.Direct() {
		h.clause = fill(c.Cause, say.direct)
	} else {
		h.code = codeOf(c.Waits[0].Stack)
		h.clause = steps(c) + " for one that " + fill(c.Cause, say.awaited)
	}
	var times int64
	for _, i := range e.chains {
		times += l.account.chains[i].Count
	}
	h.clause += fmt.Sprintf(" (%s×, %s in all)", report.FormatCount(times),
		report.FormatDuration(l.account.all(e)))
	h.evidence = []string{fmt.Sprintf("The heaviest chain of waits to it has %s.", report.FormatDuration(c.NS))}
	h.evidence = append(h.evidence, l.seenAt(c.Cause.Stack)...)
	return h
}

// steps are the waits of a chain in words. Of waits in one function the first is named.
func steps(c *blocking.Chain) string {
	var b strings.Builder
	last := code{}
	for i, w := range c.Waits {
		at, reason := codeOf(w.Stack), cmp.Or(w.Reason, "unknown")
		switch {
		case i == 0:
			b.WriteString(named(at) + " waits (" + reason + ")")
		case at.function != last.function:
			b.WriteString(" for one that waits in " + named(at) + " (" + reason + ")")
		}
		last = at
	}
	return b.String()
}

// leafCode is the code of a root cause, or what it has instead of one.
func leafCode(c *blocking.Leaf) code {
	at := frame(c.Frame)
	if at.function == "" {
		at.function = c.Name
	}
	return at
}

// fill puts the code and the name of a root cause into a text about its kind.
func fill(c *blocking.Leaf, text string) string {
	return strings.NewReplacer("{code}", named(leafCode(c))+calledBy(c), "{name}",
		cmp.Or(c.Syscall, stack.Local(c.Name), "unknown")).Replace(text)
}

// calledBy says what calls code that samples saw: alone it may be anybody's.
func calledBy(c *blocking.Leaf) string {
	if at := frame(stack.CallerOfCulprit(c.Stack)); c.Sampled && at.function != "" {
		return ", called by " + named(at)
	}
	return ""
}
