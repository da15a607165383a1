package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// modules is all Go code of a process: the image with its runtime, and the plugins that it opens,
// also those that it opens later.
type modules struct {
	proc    *target.Process
	image   *Image
	chain   *moduleChain
	code    gobin.Loaded
	list    []*module
	unknown map[uint64]*module // those that are not known, by their first pc
	seen    int64              // when the process was last asked
	failed  error              // why plugins could not be looked for, the last time that they could not
}

// module is what is known of a plugin.
type module struct {
	format.Module
	binary *gobin.Binary // nil: why says why it is not known
	file   *target.MappedFile
	bias   uint64
	points []gobin.Probe    // of its own copy of the runtime
	covers []gobin.Coverage // what those see
}

func newModules(proc *target.Process, image *Image) *modules {
	m := &modules{
		proc: proc, image: image, unknown: map[uint64]*module{},
		chain: &moduleChain{mem: readerOf(proc), binary: image.Binary,
			last: image.Binary.ModuledataAddr() + image.bias},
	}
	m.code.Add(image.Binary, image.bias)
	if image.Library {
		lib := format.Module{Path: image.Name, BuildID: image.Binary.BuildID, Runtime: true}
		m.list = append(m.list, &module{Module: lib})
	}
	return m
}

// look finds the plugins that the process has opened since the last look. It costs one read of its
// memory if there are none. From a process that is gone nothing can be learned any more.
func (m *modules) look() []*module {
	m.seen = now()
	if !m.image.Binary.Cgo() {
		return nil // opening one takes the C library
	}
	found, failed := m.chain.more()
	if failed != nil && m.proc.Alive() {
		m.failed = failed
	}
	if len(found) == 0 {
		return nil
	}
	maps, err := m.proc.Maps()
	begin := len(m.list)
	for i := range found {
		mod := &module{}
		why := errors.Join(err, found[i].err)
		mapping, _ := target.MappingAt(maps, found[i].MinPC)
		mod.Path = mapping.File()
		if why == nil {
			why = mod.open(m, &found[i], mapping)
		}
		m.add(mod, &found[i].Module, why)
	}
	return m.list[begin:]
}

// open reads the module's file and makes sure that it is the one that the process has loaded.
func (mod *module) open(m *modules, l *linked, mapping target.Mapping) error {
	f, err := m.proc.OpenMapping(mapping)
	if err != nil {
		return err
	}
	mod.file = f
	if mod.binary, err = gobin.NewPlugin(f, m.image.Binary); err != nil {
		return err
	}
	if mod.bias, err = biasOf(m.proc, mod.binary, f, mapping); err != nil {
		return err
	}
	if !mod.binary.Is(l.Module, mod.bias) {
		return errors.New("the file is not the one that was loaded")
	}
	mod.points, mod.covers, err = mod.binary.Probes()
	return err
}

// add makes the module's functions known, or that they are not.
func (m *modules) add(mod *module, at *gobin.Module, why error) {
	m.list = append(m.list, mod)
	if why == nil {
		mod.BuildID = mod.binary.BuildID
		m.code.Add(mod.binary, mod.bias)
		return
	}
	mod.Why = why.Error()
	if mod.file != nil {
		_ = mod.file.Close() // it was only read
	}
	mod.binary, mod.file = nil, nil
	if mod.Path == "" {
		mod.Path = fmt.Sprintf("module at %#x", at.MinPC)
	}
	m.code.AddUnknown(mod.Path, at.MinPC, at.MaxPC)
	m.unknown[at.MinPC] = mod
}

// lookForRuntimes finds libraries with Go runtimes of their own in a Go program. Where that cannot
// be found out, it finds none.
func (m *modules) lookForRuntimes() {
	if m.image.Library || !m.image.Binary.Cgo() {
		return // it has one runtime, or no dynamic linker that could have brought another
	}
	libs, err := libraries(m.proc, func(path string) bool {
		return slices.ContainsFunc(m.list, func(mod *module) bool { return mod.Path == path })
	})
	if err == nil {
		for _, lib := range rootImages(m.proc, libs.images) {
			if !lib.Binary.Plugin() {
				m.list = append(m.list, &module{Module: format.Module{Path: lib.Name, BuildID: lib.Binary.BuildID,
					Other: true}})
			}
		}
	}
	_ = libs.close(nil) // they were only read
}

// count counts an event whose stack has a frame of the module that is not known and begins at pc.
func (m *modules) count(pc uint64) {
	if mod, ok := m.unknown[pc]; ok {
		mod.Stacks++
	}
}

// describe is what the trace says of the modules.
func (m *modules) describe() []format.Module {
	var out []format.Module
	for _, mod := range m.list {
		out = append(out, mod.Module)
	}
	return out
}

// close closes all files, the image's too.
func (m *modules) close() error {
	err := m.image.Close()
	for _, mod := range m.list {
		if mod.file != nil {
			err = errors.Join(err, mod.file.Close())
		}
	}
	return err
}

// lookForModules finds plugins that were opened since the last look. What a plugin's code did until
// it was watched is a gap.
func (s *session) lookForModules() error {
	before := s.modules.seen
	found := s.modules.look()
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
	for _, mod := range s.modules.list {
		s.watch(mod)
	}
	return s.lookForModules()
}

// watch puts probes into a module's file. Where that fails the recording goes on without them, and
// says so.
func (s *session) watch(mod *module) {
	if len(mod.points) == 0 {
		return
	}
	path := mod.file.OpenPath()
	err := checkBytes(path, mod.points)
	if err == nil && !mod.file.Mapped {
		err = errReplaced
	}
	if err == nil {
		cfg := *s.config
		cfg.bias = mod.bias
		err = s.probes.attachPoints(path, mod.points, &cfg)
	}
	if err == nil {
		return
	}
	for _, p := range mod.points {
		i := slices.IndexFunc(transitions, func(t transition) bool { return slices.Contains(t.ops, p.Op) })
		s.choice.coverage[i].Covered = false
		s.choice.coverage[i].Why = fmt.Sprintf("%s could not be probed: %v", mod.Path, err)
	}
}

var errReplaced = errors.New("another file has taken its place, and only root can open the one that was loaded")

// addModule adds a module to the choice. A plugin has a copy of the runtime's functions in it and
// calls those; only what is called by way of a variable, as what mcall calls, is the program's own
// (go1.26 -buildmode=plugin on amd64, seen in their code). Data is the program's. So every move is
// seen once if all copies are probed.
func (c *choice) addModule(mod *module, without []string) {
	var points []gobin.Probe
	c.coverage = slices.Clone(c.coverage) // the metadata has it
	for i, t := range transitions {
		if slices.Contains(without, t.name) || len(t.ops) == 0 {
			continue
		}
		for _, p := range mod.points {
			if slices.Contains(t.ops, p.Op) {
				points = append(points, p)
			}
		}
		covers := gobin.Coverage{Name: t.name, Why: "its copy of the scheduler is not watched"}
		if at := slices.IndexFunc(mod.covers, func(c gobin.Coverage) bool { return c.Name == t.name }); at >= 0 {
			covers = mod.covers[at]
		}
		only := watches(mod.points, t) && !watches(c.points, t)
		c.coverage[i] = beside(c.coverage[i], covers, mod.Path, only)
	}
	mod.points = points
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
func (s *session) newStacks(table interner, t *texts) *stacks {
	st := newStacks(&s.modules.code, table, t)
	st.blame = s.modules.count
	return st
}

// describeModules adds to the metadata what was learnt of modules since it was made.
func (s *session) describeModules() {
	if s.proc.Alive() {
		s.modules.lookForRuntimes()
	}
	if s.modules.failed != nil {
		s.note("run", fmt.Sprintf("plugins could not be looked for: %v", s.modules.failed))
	}
	s.meta.Processes = slices.Clone(s.meta.Processes)
	s.meta.Processes[0].Modules = s.modules.describe()
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
