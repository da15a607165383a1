package image

import (
	"debug/elf"
	"encoding/binary"
)

// relative relocation types: the word is the load bias plus the addend.
var relative = map[elf.Machine]uint32{
	elf.EM_X86_64:  uint32(elf.R_X86_64_RELATIVE),
	elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE),
}

// relocations calls f with place and addend of every relative relocation. Files without them cost
// nothing.
func (m *Image) relocations(f func(place, addend uint64)) {
	if !m.PIE {
		return
	}
	addr, size := m.relaTable()
	typ := relative[m.File.Machine]
	const entry = 24
	m.chunks(addr, size, entry, func(_ uint64, b []byte) bool {
		for ; len(b) >= entry; b = b[entry:] {
			if uint32(binary.LittleEndian.Uint64(b[8:])) == typ {
				f(binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[16:]))
			}
		}
		return true
	})
}

// chunks hands out the size bytes from addr on (as far as they are in the file) in pieces of a
// multiple of unit bytes, until f returns false. It bypasses the page cache: a scan should not push
// out what is looked up.
func (m *Image) chunks(addr, size uint64, unit int, f func(addr uint64, b []byte) bool) {
	s := m.segmentOf(addr)
	if s == nil || addr-s.addr >= s.filesz {
		return
	}
	off := s.off + (addr - s.addr)
	size = min(size, s.filesz-(addr-s.addr))
	buf := make([]byte, min(size, uint64(1<<20/unit*unit)))
	for done := uint64(0); done < size; {
		n, _ := m.pages.r.ReadAt(buf[:min(uint64(len(buf)), size-done)], int64(off+done))
		if n == 0 || !f(addr+done, buf[:n]) {
			return
		}
		done += uint64(n)
	}
}

// relaTable finds the relocation table through the dynamic segment.
func (m *Image) relaTable() (addr, size uint64) {
	for _, p := range m.File.Progs {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		for off := uint64(0); off+16 <= p.Filesz; off += 16 {
			b := m.At(p.Vaddr + off)
			if len(b) < 16 {
				return addr, size
			}
			val := binary.LittleEndian.Uint64(b[8:])
			switch elf.DynTag(binary.LittleEndian.Uint64(b)) {
			case elf.DT_RELA:
				addr = val
			case elf.DT_RELASZ:
				size = val
			case elf.DT_NULL:
				return addr, size
			}
		}
	}
	return addr, size
}

// Words reads n words at addr as they are in a process loaded at bias 0: relative relocations are
// applied. Words without a byte in the file (.bss) are 0.
func (m *Image) Words(addr uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		if b := m.At(addr + uint64(i)*8); len(b) >= 8 {
			out[i] = binary.LittleEndian.Uint64(b)
		}
	}
	end := addr + uint64(n)*8
	m.relocations(func(place, addend uint64) {
		if place >= addr && place < end && (place-addr)%8 == 0 {
			out[(place-addr)/8] = addend
		}
	})
	return out
}

// FindWord returns the 8-aligned places in writable segments whose word is v, relocations applied;
// at most 64 of them.
func (m *Image) FindWord(v uint64) []uint64 {
	var out []uint64
	seen := map[uint64]bool{}
	add := func(place uint64) {
		if !seen[place] && len(out) < maxPlaces {
			seen[place] = true
			out = append(out, place)
		}
	}
	m.scanWritable(8, func(addr uint64, b []byte) {
		for i := 0; i+8 <= len(b); i += 8 {
			if binary.LittleEndian.Uint64(b[i:]) == v {
				add(addr + uint64(i))
			}
		}
	})
	m.relocations(func(place, addend uint64) {
		if addend == v && place%8 == 0 {
			add(place)
		}
	})
	return out
}

// maxPlaces is how many places are found at most: what is looked for is there once or twice.
const maxPlaces = 64

// FindStrings returns for each triple of lengths the 8-aligned places in writable segments where an
// array of strings begins whose first three have these lengths; at most 64 of them.
func (m *Image) FindStrings(lengths ...[3]uint64) [][]uint64 {
	const size = 6 * 8 // pointer and length, three times
	out := make([][]uint64, len(lengths))
	m.scanWritable(size, func(addr uint64, b []byte) {
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
		for i := 0; i+size <= len(b); i += 8 {
			third := word(i + 40)
			for n := range lengths {
				if l := &lengths[n]; third == l[2] && word(i+24) == l[1] && word(i+8) == l[0] &&
					len(out[n]) < maxPlaces {
					out[n] = append(out[n], addr+uint64(i))
				}
			}
		}
	})
	return out
}

// scanWritable hands out the writable segments from 8-aligned addresses on. Pieces overlap so that
// of what has size bytes, each is whole in one of them.
func (m *Image) scanWritable(size int, f func(addr uint64, b []byte)) {
	for _, s := range m.segs {
		w, err := m.Window((s.addr+7)&^7, s.filesz)
		if s.flags&elf.PF_W == 0 || err != nil {
			continue
		}
		w.Scan(0, w.Size, func(at uint64, b []byte, _ bool) int {
			f(w.Addr+at, b)
			return (len(b) - size + 8) &^ 7
		})
	}
}

// ScanAll calls f with the 8-aligned words in all segments of the file until f returns false.
func (m *Image) ScanAll(f func(addr, word uint64) bool) {
	for _, s := range m.segs {
		on := true
		m.chunks((s.addr+7)&^7, s.filesz, 8, func(addr uint64, b []byte) bool {
			for ; len(b) >= 8 && on; b, addr = b[8:], addr+8 {
				on = f(addr, binary.LittleEndian.Uint64(b))
			}
			return on
		})
		if !on {
			return
		}
	}
}
