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
func (s *session) lookForModules() error {
	before := s.looked
	s.looked = now()
	found := s.modules.Look()
	for _, mod := range found {
		if s.startNS != 0 {
			mod.FoundNS = now() + s.offsetNS
		}
		s.choice.addModule(mod, s.opts.Without)
		if s.binary.Version.Minor < 22 { // goschedImpl is not told why; of its callers only the program's is known
			s.note("yield", "of plugins' goroutines preemption is not told from runtime.Gosched")
		}
		if s.probes != nil {
			s.watch(mod)
		}
	}
	if len(found) == 0 || s.startNS == 0 {
		return nil
	}
	if err := s.probes.forget(); err != nil {
		return err
	}
	s.gap(before, now(), 0, textModule)
	if s.reading != nil && s.reading.flags&snapshotEnd != 0 {
		return nil // all are being read
	}
	if s.reading != nil {
		s.endReading()
	}
	return s.beginReading(0)
}

// attachModules watches the modules that were there before the probes were.
func (s *session) attachModules() error {
	for _, mod := range s.modules.All() {
		s.watch(mod)
	}
	return s.lookForModules()
}

// watch puts probes into a module's file. Where that fails the recording goes on without them, and
// says so.
func (s *session) watch(mod *image.Module) {
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
		cfg.bias = mod.Bias
		err = s.probes.attachPoints(path, mod.Points, &cfg)
	}
	if err == nil {
		return
	}
	for _, p := range mod.Points {
		i := slices.IndexFunc(transitions, func(t transition) bool { return slices.Contains(t.ops, p.Op) })
		s.choice.coverage[i].Covered = false
		s.choice.coverage[i].Why = fmt.Sprintf("%s could not be probed: %v", mod.Path, err)
	}
}

// addModule adds a module to the choice. A plugin has a copy of the runtime's functions in it and
// calls those; only what is called by way of a variable, as what mcall calls, is the program's own
// (go1.26 -buildmode=plugin on amd64, seen in their code). Data is the program's. So every move is
// seen once if all copies are probed.
func (c *choice) addModule(mod *image.Module, without []string) {
	var points []gobin.Probe
	c.coverage = slices.Clone(c.coverage) // the metadata has it
	for i, t := range transitions {
		if slices.Contains(without, t.name) || len(t.ops) == 0 {
			continue
		}
		for _, p := range mod.Points {
			if slices.Contains(t.ops, p.Op) {
				points = append(points, p)
			}
		}
		covers := gobin.Coverage{Name: t.name, Why: "its copy of the scheduler is not watched"}
		if at := slices.IndexFunc(mod.Covers, func(c gobin.Coverage) bool { return c.Name == t.name }); at >= 0 {
			covers = mod.Covers[at]
		}
		only := watches(mod.Points, t) && !watches(c.points, t)
		c.coverage[i] = beside(c.coverage[i], covers, mod.Path, only)
	}
	mod.Points = points
}

// watches says whether there is a probe point for a transition.
func watches(points []gobin.Probe, t transition) bool {
	return slices.ContainsFunc(points, func(p gobin.Probe) bool { return slices.Contains(t.ops, p.Op) })
}

const onlyIn = "only in "

// beside is the coverage of a transition with a module's, whose program may have nothing of it.
func beside(t format.Transition, module gobin.Coverage, path string, only bool) format.Transition {
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
	return t
}

// newStacks names the functions of all the process's Go code.
func (s *session) newStacks(table, calls stacks.Interner) *stacks.Table {
	t := stacks.New(s.modules.Code(), table, calls)
	t.Blame = s.modules.Count
	return t
}

// describeModules adds to the metadata what was learnt of modules since it was made.
func (s *session) describeModules() {
	if s.proc.Alive() {
		s.modules.LookForRuntimes()
	}
	if s.modules.Failed() != nil {
		s.note("run", fmt.Sprintf("plugins could not be looked for: %v", s.modules.Failed()))
	}
	s.meta.Processes = slices.Clone(s.meta.Processes)
	s.meta.Processes[0].Modules = s.modules.Describe()
	s.meta.Processes[0].Coverage = s.choice.coverage
}

// note adds a sentence to what the trace says of a transition.
func (s *session) note(transition, sentence string) {
	i := slices.IndexFunc(s.choice.coverage, func(t format.Transition) bool { return t.Name == transition })
	t := &s.choice.coverage[i]
	switch {
	case !t.Covered, strings.Contains(t.Why, sentence):
	case t.Why == "":
		t.Why = sentence
	default:
		t.Why += "; " + sentence
	}
}
