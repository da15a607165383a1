package image

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// Modules is all Go code of a process: the image with its runtime, and the plugins that it opens,
// also those that it opens later. It owns their files. It is not safe for concurrent use.
type Modules struct {
	proc    *target.Process
	image   *Image
	chain   *moduleChain
	code    gobin.Loaded
	list    []*Module
	unknown map[uint64]*Module // those that are not known, by their first pc
	failed  error
}

// Module is what is known of a plugin, or of a library with Go code in it.
type Module struct {
	format.Module
	Bias   uint64            // what to add to an address of the file for where the process has it
	Points []gobin.Probe     // of its own copy of the runtime
	Covers []format.Coverage // what those see

	binary *gobin.Binary // nil: Why says why it is not known
	file   *target.MappedFile
}

// OpenPath opens the module's file, as long as the modules are not closed.
func (mod *Module) OpenPath() string { return mod.file.OpenPath() }

// Probeable says why the module can be read and not probed; nil: it can be.
func (mod *Module) Probeable() error {
	if !mod.file.Mapped {
		return ErrReplaced
	}
	return nil
}

// NewModules begins with the image alone, which it owns from now on.
func NewModules(proc *target.Process, image *Image) *Modules {
	m := &Modules{
		proc: proc, image: image, unknown: map[uint64]*Module{},
		chain: &moduleChain{mem: readerOf(proc), binary: image.Binary,
			last: image.Binary.ModuledataAddr() + image.Bias},
	}
	m.code.Add(image.Binary, image.Bias)
	if image.Library {
		lib := format.Module{Path: image.Name, BuildID: image.Binary.BuildID, Runtime: true}
		m.list = append(m.list, &Module{Module: lib})
	}
	return m
}

// Look finds the plugins that the process has opened since the last look. It costs one read of its
// memory if there are none. From a process that is gone nothing can be learned any more.
func (m *Modules) Look() []*Module {
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
		mod := &Module{}
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
func (mod *Module) open(m *Modules, l *linked, mapping target.Mapping) error {
	f, err := m.proc.OpenMapping(mapping)
	if err != nil {
		return err
	}
	mod.file = f
	if mod.binary, err = gobin.NewPlugin(f, m.image.Binary); err != nil {
		return err
	}
	if mod.Bias, err = biasOf(m.proc, mod.binary, f, mapping); err != nil {
		return err
	}
	if !mod.binary.Is(l.Module, mod.Bias) {
		return errors.New("the file is not the one that was loaded")
	}
	mod.Points, mod.Covers, err = mod.binary.Probes()
	return err
}

// add makes the module's functions known, or that they are not.
func (m *Modules) add(mod *Module, at *gobin.Module, why error) {
	m.list = append(m.list, mod)
	if why == nil {
		mod.BuildID = mod.binary.BuildID
		m.code.Add(mod.binary, mod.Bias)
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

// LookForRuntimes finds libraries with Go runtimes of their own in a Go program. Where that cannot
// be found out, it finds none.
func (m *Modules) LookForRuntimes() {
	if m.image.Library || !m.image.Binary.Cgo() {
		return // it has one runtime, or no dynamic linker that could have brought another
	}
	libs, err := libraries(m.proc, func(path string) bool {
		return slices.ContainsFunc(m.list, func(mod *Module) bool { return mod.Path == path })
	})
	if err == nil {
		for _, lib := range rootImages(m.proc, libs.images) {
			if !lib.Binary.Plugin() {
				m.list = append(m.list, &Module{Module: format.Module{Path: lib.Name, BuildID: lib.Binary.BuildID,
					Other: true}})
			}
		}
	}
	_ = libs.close(nil) // they were only read
}

// Code tells which function is where in the process, of all modules that Look has found.
func (m *Modules) Code() *gobin.Loaded { return &m.code }

// All are the modules that have been found until now.
func (m *Modules) All() []*Module { return m.list }

// Failed says why plugins could not be looked for, the last time that they could not; nil: they
// always could.
func (m *Modules) Failed() error { return m.failed }

// Count counts an event whose stack has a frame of the module that is not known and begins at pc.
func (m *Modules) Count(pc uint64) {
	if mod, ok := m.unknown[pc]; ok {
		mod.Stacks++
	}
}

// Describe is what the trace says of the modules.
func (m *Modules) Describe() []format.Module {
	var out []format.Module
	for _, mod := range m.list {
		out = append(out, mod.Module)
	}
	return out
}

// Close closes all files, the image's too.
func (m *Modules) Close() error {
	err := m.image.Close()
	for _, mod := range m.list {
		if mod.file != nil {
			err = errors.Join(err, mod.file.Close())
		}
	}
	return err
}
