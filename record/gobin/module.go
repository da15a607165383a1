package gobin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
)

// Module is a piece of a running Go program that was linked by itself, as the program's runtime
// keeps it (runtime.moduledata): the executable, a library, a plugin. Addresses are the process's.
type Module struct {
	Table        uint64 // the function table (.gopclntab)
	MinPC, MaxPC uint64 // the functions are in [MinPC, MaxPC)
	Next         uint64 // the moduledata of the module that was loaded after it; 0: it is the last

	text, gofunc uint64
}

// maxModuledata bounds the size of a moduledata. It has 600 bytes.
const maxModuledata = 4096

// ModuledataAddr returns the link-time address of the file's own moduledata: that of a program or a
// library is runtime.firstmoduledata, from which all others can be reached.
func (b *Binary) ModuledataAddr() uint64 { return b.md.addr }

// ModuledataSize returns how many bytes of a moduledata ParseModule takes; 0 where that is not
// known.
func (b *Binary) ModuledataSize() int {
	size := b.set["moduledata.next"] + 8
	if size <= 8 || size > maxModuledata {
		return 0
	}
	return int(size)
}

// ParseModule reads a moduledata of a process that runs this binary's runtime.
func (b *Binary) ParseModule(raw []byte) (Module, error) {
	if n := b.ModuledataSize(); n == 0 || len(raw) < n {
		return Module{}, fmt.Errorf("%w: a moduledata of %d bytes", ErrDamaged, len(raw))
	}
	at := func(key string) uint64 {
		off := b.set["moduledata."+key]
		if off < 0 || off > int64(len(raw))-8 {
			return 0
		}
		return binary.LittleEndian.Uint64(raw[off:])
	}
	m := Module{
		Table: binary.LittleEndian.Uint64(raw), MinPC: at("minpc"), MaxPC: at("maxpc"), Next: at("next"),
		text: at("text"), gofunc: at("gofunc"),
	}
	if m.Table == 0 || m.MinPC == 0 || m.MinPC >= m.MaxPC || m.text == 0 {
		return Module{}, fmt.Errorf("%w: a moduledata with functions in [%#x, %#x)", ErrDamaged, m.MinPC, m.MaxPC)
	}
	return m, nil
}

// Is says whether a module is this file, loaded at a bias.
func (b *Binary) Is(m Module, bias uint64) bool {
	return m.Table == b.table.Addr()+bias && m.MinPC == b.md.minpc+bias && m.MaxPC == b.md.maxpc+bias &&
		m.text == b.md.text+bias && m.gofunc == b.md.gofunc+bias
}

// SameTable compares the file's function table with the one that a process has loaded at a bias,
// whose memory read reads. It tells a file from another build of it at the same path.
func (b *Binary) SameTable(read func(addr uint64, buf []byte) error, bias uint64) error {
	begin, end := b.table.Addr(), b.table.Addr()+b.table.IndexEnd()
	var have []byte
	for addr := begin; addr < end; addr += uint64(len(have)) {
		want := b.img.At(addr)
		if len(want) == 0 {
			return fmt.Errorf("%w: its function table is cut short", ErrDamaged)
		}
		want = want[:min(uint64(len(want)), end-addr)]
		have = append(have[:0], want...)
		if err := read(addr+bias, have); err != nil {
			return err
		}
		if !bytes.Equal(have, want) {
			return fmt.Errorf("%w: it is not the file that was loaded", ErrDamaged)
		}
	}
	return nil
}

// Plugin says whether the file is a Go plugin, which runs in the program that opens it and on that
// program's runtime.
func (b *Binary) Plugin() bool {
	off := b.set["moduledata.pluginpath"]
	if off <= 0 || off > maxModuledata {
		return false
	}
	words := b.img.Words(b.md.addr+uint64(off), 2)
	return len(words) == 2 && words[1] != 0 // the length of its path
}

// MayBeGo says whether an ELF file has a trace of Go in it, so that New is worth while. It is fast.
// A file without section headers may be.
func MayBeGo(r io.ReaderAt) bool {
	f, err := elf.NewFile(r)
	if err != nil {
		return false
	}
	for _, s := range f.Sections {
		switch s.Name {
		case ".go.buildinfo", ".note.go.buildid", ".gopclntab", ".data.rel.ro.gopclntab":
			return true
		}
	}
	return len(f.Sections) == 0
}
