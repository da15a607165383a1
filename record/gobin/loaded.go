package gobin

import (
	"path/filepath"
	"strings"
)

// Loaded is the Go code of a process: its program and the plugins that it has opened, at the
// addresses where they are in its memory. Its zero value has no code. Code may not be added while
// other methods run.
type Loaded struct{ modules []loaded }

// loaded is one of them.
type loaded struct {
	binary     *Binary // nil: what is in it is not known
	name       string  // of the frames in it then
	begin, end uint64  // where its functions are
	bias       uint64
}

// Add adds the functions of a binary that was loaded at a bias.
func (l *Loaded) Add(b *Binary, bias uint64) {
	l.modules = append(l.modules, loaded{binary: b, begin: b.md.minpc + bias, end: b.md.maxpc + bias, bias: bias})
}

// AddUnknown adds a module whose functions are in [begin, end) and cannot be told apart. In stacks
// the file's name in brackets stands for each of them.
func (l *Loaded) AddUnknown(path string, begin, end uint64) {
	name := "[" + strings.Map(plain, filepath.Base(path)) + "]"
	l.modules = append(l.modules, loaded{name: name, begin: begin, end: end})
}

// plain replaces what would end a frame where stacks are written on one line.
func plain(r rune) rune {
	if r <= ' ' || strings.ContainsRune(";[]", r) {
		return '_'
	}
	return r
}

// at returns the module that pc is in.
func (l *Loaded) at(pc uint64) (loaded, bool) {
	for _, m := range l.modules {
		if pc-m.begin < m.end-m.begin {
			return m, true
		}
	}
	return loaded{}, false
}

// Unknown returns where the module begins that a return address is in, if that module is not known.
func (l *Loaded) Unknown(ret uint64) (begin uint64, ok bool) {
	m, ok := l.at(ret - 1)
	return m.begin, ok && m.binary == nil
}

// FuncAt returns the function that pc is in.
func (l *Loaded) FuncAt(pc uint64) (Func, bool) {
	m, ok := l.at(pc)
	if !ok || m.binary == nil {
		return Func{}, false
	}
	f, ok := m.binary.FuncAt(pc - m.bias)
	return Func{f.Name, f.Entry + m.bias, f.End + m.bias}, ok
}

// Frameless is Binary.Frameless.
func (l *Loaded) Frameless(pc uint64) bool {
	m, ok := l.at(pc)
	return ok && m.binary != nil && m.binary.Frameless(pc-m.bias)
}

// StartFrame is Binary.StartFrame.
func (l *Loaded) StartFrame(pc uint64) (Frame, bool) {
	m, ok := l.at(pc)
	if !ok || m.binary == nil {
		return Frame{Func: m.name}, ok
	}
	return m.binary.StartFrame(pc - m.bias)
}

// CallFrames is Binary.CallFrames.
func (l *Loaded) CallFrames(ret uint64) []Frame { return l.AppendStack(nil, []uint64{ret}, false) }

// AppendStack is Binary.AppendStack. Each pc in a module that is not known gives a frame with the
// module's name.
func (l *Loaded) AppendStack(dst []Frame, pcs []uint64, exact bool) []Frame {
	callee := uint8(0)
	for i, pc := range pcs {
		if i > 0 || !exact {
			pc--
		}
		m, ok := l.at(pc)
		switch {
		case !ok:
			callee = 0
		case m.binary == nil:
			dst, callee = append(dst, Frame{Func: m.name}), 0
		default:
			dst, callee = m.binary.appendFrames(dst, pc-m.bias, callee)
		}
	}
	return dst
}
