// Package image finds the Go code that a process has in its memory: the file with its runtime,
// which is the executable or a library that it has loaded, where it lies, and the plugins that come
// later. It reads the process through target and the files through gobin, and changes nothing.
package image

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// Image is the file that a process's Go runtime is in: its executable, or a Go library that a
// program in another language has loaded (-buildmode=c-shared).
type Image struct {
	Binary  *gobin.Binary
	Path    string // opens the file, as long as the image is not closed
	Name    string // its path as the process has it
	Library bool   // it is not the executable

	Bias uint64 // what to add to an address of the file for where the process has it

	file  *os.File
	probe error // why probes in this file would not be in the process; nil: they are
}

// Find finds the Go runtime of a process. A process with two of them is refused: every
// goroutine of a trace is a goroutine of one runtime. The caller closes the image.
func Find(proc *target.Process) (*Image, error) {
	name, err := proc.ExePath()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(proc.Exe())
	if err != nil {
		return nil, err
	}
	i := &Image{Path: proc.Exe(), Name: name, file: f}
	if i.Binary, err = gobin.New(f); err == nil {
		i.Bias, err = executableBias(proc, i.Binary)
	} else {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if err == nil {
		return i, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, gobin.ErrNotGo) {
		return findLibrary(proc, err)
	}
	return nil, err
}

// ErrSeveralRuntimes is wrapped by the error of a process with more than one Go runtime.
var ErrSeveralRuntimes = errors.New("several Go runtimes in one process")

// ErrReplaced is wrapped by the error of a file that can be read and not probed.
var ErrReplaced = errors.New("another file has taken its place, and only root can open the one that was loaded")

// Recordable says why the image can be read and not recorded; nil: it can be.
func (i *Image) Recordable() error { return i.probe }

// Close closes the file.
func (i *Image) Close() error { return i.file.Close() }

// executableBias finds where the process has its executable.
func executableBias(proc *target.Process, b *gobin.Binary) (uint64, error) {
	maps, err := proc.ExeMappings()
	if err != nil {
		return 0, err
	}
	for _, m := range maps {
		if m.Executable {
			return b.LoadBias(m.Start, m.Offset)
		}
	}
	return 0, fmt.Errorf("process %d does not have its executable in memory", proc.PID())
}

// findLibrary finds the only Go library of a process whose executable is not Go, as notGo says.
func findLibrary(proc *target.Process, notGo error) (*Image, error) {
	libs, err := libraries(proc, func(string) bool { return false })
	if err != nil {
		return nil, errors.Join(err, libs.close(nil))
	}
	roots := rootImages(proc, libs.images)
	switch n := len(roots) + len(libs.broken); {
	case n == 1 && len(roots) == 1:
		return roots[0], libs.close(roots[0])
	case n == 1:
		err = fmt.Errorf("process %d's executable is not Go; its Go code is in %w", proc.PID(), libs.broken[0])
	case n > 1:
		err = fmt.Errorf("%w: a recording is of one, and process %d has these: %s",
			ErrSeveralRuntimes, proc.PID(), strings.Join(libs.names(roots), ", "))
	case len(libs.closed) > 0:
		err = fmt.Errorf("%w; what it has loaded could not be searched for Go code, of %d files the first: %w",
			notGo, len(libs.closed), libs.closed[0])
	default:
		err = notGo
	}
	return nil, errors.Join(err, libs.close(nil))
}

// foundLibraries are the libraries that a process has loaded.
type foundLibraries struct {
	images []*Image // Go
	broken []error  // Go, but not to be understood
	closed []error  // not to be opened
}

// close closes all but one.
func (l *foundLibraries) close(but *Image) error {
	var errs []error
	for _, i := range l.images {
		if i != but {
			errs = append(errs, i.Close())
		}
	}
	return errors.Join(errs...)
}

// names names the runtimes for people.
func (l *foundLibraries) names(roots []*Image) []string {
	var out []string
	for _, r := range roots {
		out = append(out, r.Name)
	}
	for _, err := range l.broken {
		out = append(out, err.Error())
	}
	return out
}

// libraries opens the Go libraries that a process has loaded, but those that skip says.
func libraries(proc *target.Process, skip func(path string) bool) (*foundLibraries, error) {
	found := &foundLibraries{}
	maps, err := proc.Maps()
	if err != nil {
		return found, err
	}
	exe, err := proc.ExePath()
	if err != nil {
		return found, err
	}
	seen := map[uint64]bool{}
	for _, m := range maps {
		if !m.Executable || m.Inode == 0 || m.Path == exe || seen[m.Inode] || skip(m.File()) {
			continue
		}
		seen[m.Inode] = true
		found.add(proc, m)
	}
	return found, nil
}

// add opens the file of a mapping, which may be a Go library.
func (l *foundLibraries) add(proc *target.Process, m target.Mapping) {
	f, err := proc.OpenMapping(m)
	if err != nil {
		l.closed = append(l.closed, fmt.Errorf("%s: %w", m.File(), err))
		return
	}
	if !gobin.MayBeGo(f) {
		_ = f.Close() // it was only read
		return
	}
	i := &Image{Path: f.OpenPath(), Name: m.File(), Library: true, file: f.File}
	if !f.Mapped {
		i.probe = fmt.Errorf("%s: %w", i.Name, ErrReplaced)
	}
	if i.Binary, err = gobin.New(f.File); err == nil {
		i.Bias, err = biasOf(proc, i.Binary, f, m)
	}
	if err == nil {
		l.images = append(l.images, i)
		return
	}
	_ = f.Close()
	if !errors.Is(err, gobin.ErrNotGo) {
		l.broken = append(l.broken, fmt.Errorf("%s: %w", m.File(), err))
	}
}

// biasOf says where the process has a file that it has mapped, and makes sure that it is this file.
func biasOf(proc *target.Process, b *gobin.Binary, f *target.MappedFile, m target.Mapping) (uint64, error) {
	bias, err := b.LoadBias(m.Start, m.Offset)
	if err == nil && !f.Exact {
		err = b.SameTable(readerOf(proc), bias)
	}
	return bias, err
}

// readerOf reads the process's memory.
func readerOf(proc *target.Process) func(addr uint64, buf []byte) error {
	return func(addr uint64, buf []byte) error {
		_, err := proc.ReadAt(buf, int64(addr))
		return err
	}
}

// rootImages are those that have a runtime of their own: that are in no other's list of modules.
func rootImages(proc *target.Process, libs []*Image) []*Image {
	dependent := map[uint64]bool{}
	for _, l := range libs {
		first := l.Binary.ModuledataAddr() + l.Bias
		chain := &moduleChain{mem: readerOf(proc), binary: l.Binary, last: first}
		found, _ := chain.more() // where the list cannot be read, nothing depends on it
		for _, m := range found {
			dependent[m.addr] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(libs), func(l *Image) bool {
		return dependent[l.Binary.ModuledataAddr()+l.Bias]
	})
}
