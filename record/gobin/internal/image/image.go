// Package image reads an ELF executable by link-time address, without loading it whole.
package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"sort"
)

// Image is an ELF executable. It is safe for concurrent use.
type Image struct {
	File  *elf.File
	PIE   bool // position independent: addresses in data come from relocations
	pages *pages
	segs  []segment // file-backed PT_LOAD, by address
}

// segment is one PT_LOAD.
type segment struct {
	addr, off, filesz, memsz uint64
	flags                    elf.ProgFlag
}

// maxSegments bounds what a crafted file can make us keep; real files have fewer than ten.
const maxSegments = 64

// New reads the headers of the ELF file in r.
func New(r io.ReaderAt) (*Image, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	m := &Image{File: f, PIE: f.Type == elf.ET_DYN, pages: newPages(r)}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 || len(m.segs) == maxSegments {
			continue
		}
		if p.Vaddr+p.Memsz < p.Vaddr || p.Filesz > p.Memsz || p.Off+p.Filesz < p.Off {
			return nil, errors.New("a segment does not fit into the address space")
		}
		m.segs = append(m.segs, segment{p.Vaddr, p.Off, p.Filesz, p.Memsz, p.Flags})
	}
	if len(m.segs) == 0 {
		return nil, errors.New("no segment to load")
	}
	sort.SliceStable(m.segs, func(i, j int) bool { return m.segs[i].addr < m.segs[j].addr })
	m.clip()
	return m, nil
}

// clip shortens segments to what the file really has.
func (m *Image) clip() {
	for i := range m.segs {
		s := &m.segs[i]
		if s.off > m.pages.size {
			s.filesz = 0
		} else {
			s.filesz = min(s.filesz, m.pages.size-s.off)
		}
	}
}

// segmentOf returns the segment that holds addr in memory.
func (m *Image) segmentOf(addr uint64) *segment {
	for i := range m.segs {
		if s := &m.segs[i]; addr >= s.addr && addr-s.addr < s.memsz {
			return s
		}
	}
	return nil
}

// MinAddr returns the lowest link-time address of the image.
func (m *Image) MinAddr() uint64 { return m.segs[0].addr }

// FileOffset returns where the byte at addr is in the file; false for addresses without a byte in
// the file.
func (m *Image) FileOffset(addr uint64) (uint64, bool) {
	s := m.segmentOf(addr)
	if s == nil || addr-s.addr >= s.filesz {
		return 0, false
	}
	return s.off + (addr - s.addr), true
}

// Contains says whether addr belongs to the image in memory, .bss included.
func (m *Image) Contains(addr uint64) bool { return m.segmentOf(addr) != nil }

// At returns bytes in the file from addr on: at least min(256, what the segment still has), at most
// a page. The slice must not be written to. It is nil when addr has no bytes in the file.
func (m *Image) At(addr uint64) []byte {
	s := m.segmentOf(addr)
	if s == nil || addr-s.addr >= s.filesz {
		return nil
	}
	b := m.pages.at(s.off + (addr - s.addr))
	if left := s.filesz - (addr - s.addr); uint64(len(b)) > left {
		b = b[:left]
	}
	return b
}

// Window returns the bytes at the file-backed addresses [addr, addr+size) piece by piece.
func (m *Image) Window(addr, size uint64) (*Window, error) {
	s := m.segmentOf(addr)
	if s == nil || addr-s.addr > s.filesz {
		return nil, fmt.Errorf("address %#x is not in the file", addr)
	}
	size = min(size, s.filesz-(addr-s.addr))
	return &Window{pages: m.pages, off: s.off + (addr - s.addr), Addr: addr, Size: size}, nil
}

// Read copies the n bytes at addr, which must be in the file. At most 1 MiB.
func (m *Image) Read(addr, n uint64) ([]byte, error) {
	s := m.segmentOf(addr)
	if s == nil || n > 1<<20 || addr-s.addr > s.filesz || s.filesz-(addr-s.addr) < n {
		return nil, fmt.Errorf("%d bytes at address %#x are not in the file", n, addr)
	}
	out := make([]byte, 0, n)
	for off := s.off + (addr - s.addr); uint64(len(out)) < n; {
		b := m.pages.at(off + uint64(len(out)))
		if len(b) == 0 {
			return nil, fmt.Errorf("read address %#x: file cut short", addr)
		}
		out = append(out, b[:min(uint64(len(b)), n-uint64(len(out)))]...)
	}
	return out, nil
}

// LoadBias returns what to add to a link-time address to get its address in a process that has the
// image's executable segment mapped at start, from file offset off (the x line of /proc/PID/maps).
func (m *Image) LoadBias(start, off uint64) (uint64, error) {
	const page = 1 << 16 // the largest page size; the kernel maps whole pages
	for _, s := range m.segs {
		if s.flags&elf.PF_X == 0 || off+page <= s.off || off >= s.off+s.filesz {
			continue
		}
		return start - (s.addr - s.off + off), nil
	}
	return 0, fmt.Errorf("file offset %#x is in no executable segment", off)
}
