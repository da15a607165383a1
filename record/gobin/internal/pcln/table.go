// Package pcln reads the table that maps a Go program's code to functions, files and lines
// (.gopclntab).
//
// The format is that of the Go runtime's src/runtime/symtab.go, go1.18 to go1.27. Offsets of the
// structs that it holds come from outside, because they differ between versions.
package pcln

import (
	"errors"
	"fmt"

	"github.com/gosched/gosched/record/gobin/internal/image"
)

// Format holds what differs between Go versions: sizes and field offsets of runtime._func and
// runtime.inlinedCall, and the numbers of some function ids.
type Format struct {
	FuncSize, NameOff, PCSP, PCFile, PCLn, NPCData, CUOffset, FuncID, NFuncData int64
	InlSize, InlFuncID, InlName, InlParentPC                                    int64
	IDWrapper, IDGopanic, IDSigpanic, IDPanicwrap                               int64
}

// Indices of a function's tables (src/internal/abi/symtab.go), the same since go1.18.
const (
	pcdataInlTreeIndex = 2
	funcdataInlTree    = 3
	funcdataWrapInfo   = 7

	maxPCData = 16 // more pc tables than any function has
)

// magics of the header's first word: go1.18 and go1.19, go1.20 and later.
var magics = map[uint32]bool{0xfffffff0: true, 0xfffffff1: true}

// ErrFormat says that a table is not one that this package understands.
var ErrFormat = errors.New("function table (.gopclntab) not understood")

// Header is the beginning of a table.
type Header struct {
	Quantum   uint8 // bytes a pc step: 1 on amd64, 4 on arm64
	Funcs     uint64
	names     uint64 // offsets in the table of the function names,
	units     uint64 // the compilation units' file lists,
	files     uint64 // the file names,
	pcs       uint64 // the pc tables,
	functions uint64 // and the functions
}

// NamesAddr returns the address of the name table when the header is at addr: what moduledata
// points to.
func (h Header) NamesAddr(addr uint64) uint64 { return addr + h.names }

// ReadHeader reads and checks the header at the beginning of w.
func ReadHeader(w *image.Window, quantum uint8) (Header, error) {
	b := w.At(0)
	if len(b) < 72 {
		return Header{}, fmt.Errorf("%w: too short", ErrFormat)
	}
	magic, _ := w.U32(0)
	if !magics[magic] {
		return Header{}, fmt.Errorf("%w: unknown magic %#x", ErrFormat, magic)
	}
	if b[4] != 0 || b[5] != 0 || b[6] != quantum || b[7] != 8 {
		return Header{}, fmt.Errorf("%w: header % x", ErrFormat, b[:8])
	}
	var words [9]uint64
	for i := range words {
		words[i], _ = w.U64(uint64(i) * 8)
	}
	h := Header{quantum, words[1], words[4], words[5], words[6], words[7], words[8]}
	for _, off := range words[4:] {
		if off >= w.Size {
			return Header{}, fmt.Errorf("%w: a part begins past its end", ErrFormat)
		}
	}
	if h.Funcs == 0 || h.Funcs > (w.Size-h.functions)/8 {
		return Header{}, fmt.Errorf("%w: %d functions", ErrFormat, h.Funcs)
	}
	return h, nil
}

// Table is a program's function table. It is safe for concurrent use.
type Table struct {
	Header
	Text uint64 // address that function entries are relative to

	w      *image.Window // the table
	gofunc *image.Window // what funcdata offsets are relative to
	f      Format
}

// New makes a table from its bytes, the bytes at moduledata.gofunc, and moduledata.text.
func New(w, gofunc *image.Window, h Header, text uint64, f Format) *Table {
	return &Table{Header: h, Text: text, w: w, gofunc: gofunc, f: f}
}

// Addr returns the address of the table.
func (t *Table) Addr() uint64 { return t.w.Addr }

// IndexEnd returns how far the table's index of functions reaches, from its beginning: names, files
// and pc tables come before it.
func (t *Table) IndexEnd() uint64 { return min(t.functions+t.Funcs*8+4, t.w.Size) }

// Func is a function as the table has it.
type Func struct {
	Index      int
	Entry, End uint64

	rec uint64 // offset of its runtime._func in the table
}

// At returns function i, 0 ≤ i < Funcs; false if the table is damaged there.
func (t *Table) At(i int) (Func, bool) {
	if i < 0 || uint64(i) >= t.Funcs {
		return Func{}, false
	}
	at := t.functions + uint64(i)*8
	entry, ok1 := t.w.U32(at)
	rec, ok2 := t.w.U32(at + 4)
	end, ok3 := t.w.U32(at + 8)
	if !ok1 || !ok2 || !ok3 || end < entry {
		return Func{}, false
	}
	return Func{i, t.Text + uint64(entry), t.Text + uint64(end), t.functions + uint64(rec)}, true
}

// Find returns the function that pc is in.
func (t *Table) Find(pc uint64) (Func, bool) {
	off := pc - t.Text
	if pc < t.Text || off > 1<<32-1 {
		return Func{}, false
	}
	lo, hi := uint64(0), t.Funcs
	for lo < hi {
		mid := lo + (hi-lo)/2
		entry, ok := t.w.U32(t.functions + mid*8)
		if !ok {
			return Func{}, false
		}
		if uint64(entry) <= off {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return Func{}, false
	}
	f, ok := t.At(int(lo) - 1)
	return f, ok && pc < f.End
}

// Name returns a function's symbol name, type arguments and all.
func (t *Table) Name(f Func) (string, bool) {
	off, ok := t.NameOffset(f)
	if !ok {
		return "", false
	}
	return t.NameAt(off)
}

// NameOffset returns where a function's name is in the name table: equal offsets are equal names.
func (t *Table) NameOffset(f Func) (uint32, bool) {
	return t.w.U32(f.rec + uint64(t.f.NameOff))
}

// NameAt reads the name at an offset of the name table.
func (t *Table) NameAt(off uint32) (string, bool) { return t.w.String(t.names + uint64(off)) }

// pcdata returns the offset of a function's pc table number i; 0 if it has none.
func (t *Table) pcdata(f Func, i uint32) uint32 {
	n, ok := t.w.U32(f.rec + uint64(t.f.NPCData))
	if !ok || i >= n {
		return 0
	}
	off, _ := t.w.U32(f.rec + uint64(t.f.FuncSize) + uint64(i)*4)
	return off
}

// inlTree returns the offset from gofunc of a function's inline tree.
func (t *Table) inlTree(f Func) (uint64, bool) { return t.funcdata(f, funcdataInlTree) }

// funcdata returns the offset from gofunc of a function's data number i.
func (t *Table) funcdata(f Func, i uint8) (uint64, bool) {
	n, ok := t.w.U32(f.rec + uint64(t.f.NPCData))
	b := t.w.At(f.rec + uint64(t.f.NFuncData))
	if !ok || n > maxPCData || len(b) == 0 || b[0] <= i {
		return 0, false
	}
	off, ok := t.w.U32(f.rec + uint64(t.f.FuncSize) + uint64(n)*4 + uint64(i)*4)
	return uint64(off), ok && off != 1<<32-1
}

// Wrapped returns the function that f, made by the compiler for a go or defer statement with
// arguments, calls.
func (t *Table) Wrapped(f Func) (Func, bool) {
	at, ok := t.funcdata(f, funcdataWrapInfo)
	if !ok {
		return Func{}, false
	}
	off, ok := t.gofunc.U32(at)
	if !ok {
		return Func{}, false
	}
	return t.Find(t.Text + uint64(off))
}

// FuncID returns the runtime's number for functions that tracebacks treat specially.
func (t *Table) FuncID(f Func) uint8 {
	if b := t.w.At(f.rec + uint64(t.f.FuncID)); len(b) > 0 {
		return b[0]
	}
	return 0
}
