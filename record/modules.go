package record

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/stacks"
)

// lookForModules finds plugins that were opened since the last look. What a plugin's code did until
// it was watched is a gap.
func (s *subject) lookForModules() error {
	before := s.looked
	s.looked = now()
	found := s.modules.Look()
	for _, mod := range found {
		if s.beginNS != 0 {
			mod.FoundNS = now() + s.in.offsetNS
		}
		s.choice.addModule(mod, s.in.opts.Without)
		if s.binary.Version.Minor < 22 { // goschedImpl is not told why; of its callers only the program's is known
			s.note(format.TransitionYield, "of plugins' goroutines preemption is not told from runtime.Gosched")
		}
		if s.phase >= watched {
			s.watch(mod)
		}
	}
	if len(found) == 0 || s.beginNS == 0 || s.in.probes == nil {
		return nil
	}
	if err := s.in.probes.Forget(int(s.number)); err != nil {
		return err
	}
	s.gap(before, now(), 0, format.ReasonPluginOpened)
	if s.reading != nil && s.reading.flags&snapshotEnd != 0 {
		return nil // all are being read
	}
	if s.reading != nil {
		s.endReading()
	}
	if s.in.governing.leaveAlone() {
		return nil
	}
	return s.beginReading(0)
}

// attachModules watches the modules that were there before the probes were.
func (s *subject) attachModules() error {
	for _, mod := range s.modules.All() {
		s.watch(mod)
	}
	return s.lookForModules()
}

// watch puts probes into a module's file. Where that fails the recording goes on without them, and
// says so.
func (s *subject) watch(mod *image.Module) {
	if len(mod.Points) == 0 {
		return
	}
	path := mod.OpenPath()
	err := checkBytes(path, mod.Points)
	if err == nil {
		err = mod.Probeable()
	}
	if err == nil {
		cfg := *s.config
		cfg.Bias = mod.Bias
		err = s.in.probes.AttachPoints(path, mod.Points, &cfg)
	}
	if err == nil {
		return
	}
	for _, p := range mod.Points {
		t := s.choice.of(p.Transition)
		t.Covered, t.Why = false, fmt.Sprintf("%s could not be probed: %v", mod.Path, err)
	}
}

// addModule adds a module to the choice. A plugin has a copy of the runtime's functions in it and
// calls those; only what is called by way of a variable, as what mcall calls, is the program's own
// (go1.26 -buildmode=plugin on amd64, seen in their code). Data is the program's. So every move is
// seen once if all copies are probed.
func (c *choice) addModule(mod *image.Module, without []format.Transition) {
	c.coverage = slices.Clone(c.coverage) // the metadata has it
	for _, t := range gobin.Observed() {
		if slices.Contains(without, t) {
			continue
		}
		covers := format.Coverage{Transition: t, Why: "its copy of the scheduler is not watched"}
		for i := range mod.Covers {
			if mod.Covers[i].Transition == t {
				covers = mod.Covers[i]
			}
		}
		only := watches(mod.Points, t) && !watches(c.points, t)
		beside(c.of(t), covers, mod.Path, only)
	}
	mod.Points = wanted(mod.Points, without)
}

// watches says whether there is a probe point for a class of transitions.
func watches(points []gobin.Probe, t format.Transition) bool {
	return slices.ContainsFunc(points, func(p gobin.Probe) bool { return p.Transition == t })
}

const onlyIn = "only in "

// beside adds a module's coverage to a class of transitions, of which the program may have nothing.
func beside(t *format.Coverage, module format.Coverage, path string, only bool) {
	in := fmt.Sprintf("in %s: %s", path, module.Why)
	switch {
	case module.Covered && only && t.Covered && strings.HasPrefix(t.Why, onlyIn):
		t.Why += ", " + path
	case module.Covered && only && t.Covered:
		t.Why = onlyIn + path
	case !module.Covered && !t.Covered:
		t.Why += "; " + in
	case !module.Covered:
		t.Covered, t.Why = false, in
	}
}

// newStacks names the functions of all the process's Go code.
func (s *subject) newStacks(table, calls stacks.Interner, room *stacks.Room) *stacks.Table {
	t := stacks.New(s.modules.Code(), table, calls)
	t.Blame, t.Room = s.modules.Count, room
	return t
}

// describeModules finds out what was not learnt of modules while the process was recorded.
func (s *subject) describeModules() {
	if s.proc.Alive() {
		s.modules.LookForRuntimes()
	}
	if s.modules.Failed() != nil {
		s.note(format.TransitionRun, fmt.Sprintf("plugins could not be looked for: %v", s.modules.Failed()))
	}
}

// note adds a sentence to what the trace says of a transition.
func (s *subject) note(transition format.Transition, sentence string) {
	t := s.choice.of(transition)
	switch {
	case !t.Covered, strings.Contains(t.Why, sentence):
	case t.Why == "":
		t.Why = sentence
	default:
		t.Why += "; " + sentence
	}
}
