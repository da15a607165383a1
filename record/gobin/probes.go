package gobin

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin/internal/insn"
)

// point describes how one Op is observed: at the entry of the first of funcs that the executable
// has, or at a call in it; and what may replace that where the function was inlined.
type point struct {
	op         Op
	transition format.Transition
	funcs      []string
	call       []string // if set, the probe is at the only call of the first of these that is called, in funcs
	arg        Arg
	from, to   int // minor versions with this point; to 0 means no end

	onG0     bool // runs on the scheduler's stack only, where no stack check restarts a function
	optional bool // not linked into every program
	copies   []rescue
}

// rescue says how to observe an inlined copy of a point's function.
type rescue struct {
	call   string // at the copy's only call of this function,
	into   string // or at the entry of the function it was inlined into, if that is this one
	suffix string // or whose name ends so
	op     Op     // with this meaning, the point's own if it is OpNone
	arg    Arg
}

// casgstatus, where it is still called, has the goroutine in the first register.
var atStatus = rescue{call: "runtime.casgstatus", arg: ArgReg0}

// points is the probe set. All facts are of src/runtime/proc.go, coro.go and mgc.go, go1.18 to
// go1.27. The mcall targets, execute and the functions that ask for their caller's pc can not be
// inlined; of the others, profile-guided optimisation may inline any.
var points = []point{
	{op: OpRun, transition: format.TransitionRun, funcs: []string{"runtime.execute"}, arg: ArgReg0, onG0: true,
		copies: []rescue{atStatus}},
	{op: OpPark, transition: format.TransitionPark, funcs: []string{"runtime.park_m"}, arg: ArgReg0, onG0: true},
	{op: OpPreemptPark, transition: format.TransitionPark, funcs: []string{"runtime.preemptPark"}, arg: ArgReg0,
		onG0:   true,
		copies: []rescue{{call: "runtime.casGToPreemptScan", arg: ArgReg0}}},
	{op: OpReady, transition: format.TransitionReady, funcs: []string{"runtime.ready"}, arg: ArgReg0,
		copies: []rescue{atStatus, {suffix: "goready.func1", arg: ArgClosure8}}},
	{op: OpInject, transition: format.TransitionReady, funcs: []string{"runtime.injectglist"}, arg: ArgReg0,
		copies: []rescue{{call: "runtime.casgstatus", op: OpReady, arg: ArgReg0}}},
	{op: OpYield, transition: format.TransitionYield, funcs: []string{"runtime.goschedImpl"}, arg: ArgReg0, onG0: true,
		copies: []rescue{{into: "runtime.gosched_m", arg: ArgReg0}, {into: "runtime.gopreempt_m", arg: ArgReg0},
			atStatus}},
	{op: OpGoyield, transition: format.TransitionYield, funcs: []string{"runtime.goyield_m"}, arg: ArgReg0, onG0: true,
		optional: true},
	{op: OpExit, transition: format.TransitionExit, funcs: []string{"runtime.goexit0"}, arg: ArgReg0, onG0: true},
	{op: OpCoroSwitch, transition: format.TransitionCoroutines, funcs: []string{"runtime.coroswitch_m"}, arg: ArgReg0,
		onG0: true,
		from: 22, optional: true},
	{op: OpSyscallEnter, transition: format.TransitionSyscalls, funcs: []string{"runtime.reentersyscall",
		"runtime.entersyscall"},
		arg:    ArgCurrentG,
		copies: []rescue{{into: "runtime.entersyscall", arg: ArgCurrentG}}},
	{op: OpSyscallBlock, transition: format.TransitionSyscalls, funcs: []string{"runtime.entersyscallblock"},
		arg: ArgCurrentG},
	{op: OpSyscallExit, transition: format.TransitionSyscalls, funcs: []string{"runtime.exitsyscall"},
		arg: ArgCurrentG},
	{op: OpSyscallNoP, transition: format.TransitionYield, funcs: []string{"runtime.exitsyscall0"}, arg: ArgReg0,
		onG0: true, to: 25},
	{op: OpSyscallNoP, transition: format.TransitionYield, funcs: []string{"runtime.exitsyscallNoP"}, arg: ArgReg0,
		onG0: true,
		from: 26},
	{op: OpNeedM, transition: format.TransitionCgo, funcs: []string{"runtime.needm"},
		call: []string{"runtime.casgstatus"}, arg: ArgReg0,
		copies: []rescue{atStatus}},
	{op: OpDropM, transition: format.TransitionCgo, funcs: []string{"runtime.dropm"},
		call: []string{"runtime.casgstatus"}, arg: ArgReg0,
		copies: []rescue{atStatus}},
	{op: OpGCStart, transition: format.TransitionGC, funcs: []string{"runtime.gcBgMarkStartWorkers",
		"runtime.(*gcControllerState).startCycle"}},
	{op: OpGCEnd, transition: format.TransitionGC, funcs: []string{"runtime.gcMarkTermination"}},
	{op: OpSTWBegin, transition: format.TransitionGC, funcs: []string{"runtime.stopTheWorldWithSema"}, to: 20,
		onG0: true},
	{op: OpSTWBegin, transition: format.TransitionGC, funcs: []string{"runtime.stopTheWorldWithSema"}, arg: ArgReg0,
		from: 21,
		onG0: true},
	{op: OpSTWEnd, transition: format.TransitionGC, funcs: []string{"runtime.startTheWorldWithSema"}, onG0: true,
		copies: []rescue{{call: "runtime.procresize"}}},
}

// watched are the functions whose inlined copies have to be known.
var watched = func() map[string]bool {
	w := map[string]bool{"runtime.newproc1": true, "runtime.runqput": true, "runtime.casgstatus": true}
	for _, p := range points {
		for _, f := range p.funcs {
			w[f] = true
		}
	}
	return w
}()

// Observed are the classes of transitions that have probe points, in their order.
func Observed() []format.Transition {
	list := []format.Transition{format.TransitionCreate}
	for _, p := range points {
		list = append(list, p.transition)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// finder collects probes and what can not be observed.
type finder struct {
	b      *Binary
	probes []Probe
	why    [format.NumTransitions][]string // sentences about what is missing
	notes  [format.NumTransitions][]string // sentences about what this program does not have
}

// Probes chooses the instructions to probe, and says for each class of transitions that has any
// whether those observe it fully. An error means that not even the most necessary can be observed:
// runs, parks and exits of goroutines.
func (b *Binary) Probes() ([]Probe, []format.Coverage, error) {
	f := &finder{b: b}
	if b.inlined(""); b.scanCut {
		return nil, nil, fmt.Errorf("%w: its inline trees do not end", ErrDamaged)
	}
	f.create()
	for _, p := range points {
		if b.Version.Minor >= p.from && (p.to == 0 || b.Version.Minor <= p.to) {
			f.point(p)
		}
	}
	for _, t := range []format.Transition{format.TransitionRun, format.TransitionPark, format.TransitionExit} {
		if why := f.why[t]; len(why) > 0 {
			return nil, nil, fmt.Errorf("%w: no probe point for %s: %s", ErrUnsupported, t, why[0])
		}
	}
	sort.SliceStable(f.probes, func(i, j int) bool { return f.probes[i].Op < f.probes[j].Op })
	return f.probes, f.coverage(), nil
}

// coverage makes the report.
func (f *finder) coverage() []format.Coverage {
	if !f.b.Cgo() { // then there are no threads that are not Go's
		f.why[format.TransitionCgo] = nil
		f.notes[format.TransitionCgo] = []string{"none can occur: this program has no C code"}
	}
	if _, ok := f.b.lookup("runtime.coroswitch_m"); !ok {
		f.notes[format.TransitionCoroutines] = []string{"none can occur: this program has no iter.Pull"}
	}
	var out []format.Coverage
	for _, t := range Observed() {
		why := append(f.why[t], f.notes[t]...)
		out = append(out, format.Coverage{Transition: t, Covered: len(f.why[t]) == 0, Why: strings.Join(why, "; ")})
	}
	return out
}

func (f *finder) missing(t format.Transition, text string, args ...any) {
	f.why[t] = append(f.why[t], fmt.Sprintf(text, args...))
}

// point finds the probes of one point: at the function itself, and at its inlined copies.
func (f *finder) point(p point) {
	name := ""
	for _, n := range p.funcs {
		if _, ok := f.b.lookup(n); ok {
			name = n
			break
		}
	}
	copies := f.b.inlined(p.funcs[0])
	switch {
	case name == "" && len(copies) == 0 && p.optional:
	case name == "" && len(copies) == 0:
		f.missing(p.transition, "there is no function %s", p.funcs[0])
	case name != "" && len(p.call) > 0:
		f.callIn(p, name)
	case name != "":
		f.entry(p, name)
	}
	for _, c := range copies {
		f.copy(p, c)
	}
}

// entry adds the probe at a function's beginning.
func (f *finder) entry(p point, name string) {
	c, err := f.b.decode(name)
	if err == nil {
		var pr Probe
		if pr, err = f.b.entryProbe(c, p.op, p.arg, p.onG0); err == nil {
			f.add(p.transition, pr)
			return
		}
	}
	f.missing(p.transition, "%s can not be probed: %v", name, err)
}

// callIn adds the probe at a function's only call of another.
func (f *finder) callIn(p point, name string) {
	c, err := f.b.decode(name)
	for _, callee := range p.call {
		target, ok := f.b.lookup(callee)
		if calls := c.calls(target.Entry); err == nil && ok && len(calls) == 1 {
			var pr Probe
			if pr, err = f.b.probeAt(c, calls[0], p.op, p.arg); err == nil {
				f.add(p.transition, pr)
				return
			}
		}
	}
	if err == nil {
		err = fmt.Errorf("it does not call %s exactly once: inlined by profile-guided optimisation",
			strings.Join(p.call, " or "))
	}
	f.missing(p.transition, "%s can not be probed: %v", name, err)
}

// copy adds the probe for an inlined copy of a point's function, by the first rescue that works.
func (f *finder) copy(p point, c inlinedCopy) {
	code, err := f.b.decodeFunc(c.in, c.fn)
	if err == nil {
		for _, r := range p.copies {
			if pr, ok := f.rescue(p, c, code, r); ok {
				f.add(p.transition, pr)
				return
			}
		}
	}
	f.missing(p.transition, "%s was inlined into %s, where it can not be observed", p.funcs[0], c.in)
}

// rescue tries one way to observe an inlined copy.
func (f *finder) rescue(p point, c inlinedCopy, code code, r rescue) (Probe, bool) {
	op := r.op
	if op == OpNone {
		op = p.op
	}
	switch {
	case r.call != "":
		target, ok := f.b.lookup(r.call)
		var found []insn.Insn
		for _, i := range code.calls(target.Entry) {
			if c.contains(i.Addr) {
				found = append(found, i)
			}
		}
		if !ok || len(found) != 1 {
			return Probe{}, false
		}
		pr, err := f.b.probeAt(code, found[0], op, r.arg)
		return pr, err == nil
	case r.into == c.in, r.suffix != "" && strings.HasSuffix(c.in, r.suffix) && code.loads(insn.Closure, 8):
		pr, err := f.b.entryProbe(code, op, r.arg, p.onG0)
		return pr, err == nil
	}
	return Probe{}, false
}

// add keeps a probe of a class of transitions once.
func (f *finder) add(t format.Transition, p Probe) {
	p.Transition = t
	for _, q := range f.probes {
		if q.Addr == p.Addr && q.Op == p.Op {
			return
		}
	}
	f.probes = append(f.probes, p)
}

// creators are the functions that make goroutines with newproc1, each in a closure that runs on the
// system stack: src/runtime/proc.go, coro.go (go1.22 on), synctest.go (go1.25 on) and debugcall.go,
// go1.18 to go1.27. Where the goroutine is queued, all its fields are set at that call, in every
// version. A coroutine's is not queued, and one for a debugger's call runs at once.
var creators = []struct {
	fn      string
	op      Op
	queue   string            // the function that it is queued with
	lacking format.Transition // the class that is not covered without it
}{
	{"runtime.newproc", OpCreate, "runtime.runqput", format.TransitionCreate},
	{"runtime.newcoro", OpCreateCoro, "", format.TransitionCoroutines},
	{"runtime.synctestRun", OpCreate, "runtime.runqput", format.TransitionCreate},
	{"runtime.debugCallWrap", OpCreate, "", format.TransitionCreate},
}

// create finds where new goroutines are seen.
func (f *finder) create() {
	known := map[string]bool{}
	for _, c := range creators {
		fn, linked := f.creatingClosure(c.fn)
		if !linked && c.fn != "runtime.newproc" {
			continue // not in this program, or not in this version
		}
		known[fn] = true
		if pr, ok := f.newGoroutine(fn, c.op, c.queue); ok {
			f.add(format.TransitionCreate, pr)
		} else {
			f.missing(c.lacking,
				"newproc1 and what queues the goroutine were inlined into %s, where it can not be observed", fn)
		}
	}
	for _, c := range f.b.inlined("runtime.newproc1") {
		if !known[c.in] {
			f.missing(format.TransitionCreate, "newproc1 was inlined into %s, where it can not be observed", c.in)
		}
	}
}

// maxClosures is more than any of creators has.
const maxClosures = 9

// creatingClosure returns the name of a function's closure that newproc1 is called in or was
// inlined into, or the first one's, and whether there are any closures.
func (f *finder) creatingClosure(fn string) (name string, linked bool) {
	newproc1, ok := f.b.lookup("runtime.newproc1")
	for n := 1; n <= maxClosures; n++ {
		name := fmt.Sprintf("%s.func%d", fn, n)
		c, err := f.b.decode(name)
		if err != nil {
			continue
		}
		linked = true
		if ok && len(c.calls(newproc1.Entry)) > 0 || f.b.inlinedInto("runtime.newproc1", name) {
			return name, true
		}
	}
	return fn + ".func1", linked
}

// newGoroutine finds the call of queue, which has the new goroutine in the second register, else
// the place where newproc1 has returned it in the first, else since go1.24, where the id is set
// before, its first change of status.
func (f *finder) newGoroutine(fn string, op Op, queue string) (Probe, bool) {
	c, err := f.b.decode(fn)
	if err != nil {
		return Probe{}, false
	}
	only := func(callee string) (insn.Insn, bool) {
		target, ok := f.b.lookup(callee)
		if calls := c.calls(target.Entry); ok && len(calls) == 1 {
			return calls[0], true
		}
		return insn.Insn{}, false
	}
	if i, ok := only(queue); ok {
		pr, err := f.b.probeAt(c, i, op, ArgReg1)
		return pr, err == nil
	}
	if i, ok := only("runtime.newproc1"); ok {
		if next, ok := c.after(i, ArgReg0); ok {
			pr, err := f.b.probeAt(c, next, op, ArgReg0)
			return pr, err == nil
		}
	}
	target, ok := f.b.lookup("runtime.casgstatus")
	if births := c.births(target.Entry); ok && len(births) == 1 && f.b.Version.Minor >= 24 {
		pr, err := f.b.probeAt(c, births[0], op, ArgReg0)
		return pr, err == nil
	}
	return Probe{}, false
}
