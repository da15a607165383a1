package offsets

import (
	"bytes"
	"compress/zlib"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrNoDWARF says that there is no debug information, or more than is read into memory.
var ErrNoDWARF = errors.New("no DWARF")

const (
	// maxDWARF bounds the decompressed .debug_info, which has to be in memory for reading.
	maxDWARF = 64 << 20
	// firstDWARF is how much of it is read at first.
	firstDWARF = 2 << 20
)

// FromELF reads what is asked for from an executable's debug information, as much of it as that
// takes.
func FromELF(f *elf.File, q Query) (Set, error) {
	s, err := readKeys(f, debugSections[:len(debugSections)-1], q)
	if err != nil && !errors.Is(err, ErrNoDWARF) { // some compilers' units do not make sense without the last
		return readKeys(f, debugSections, q)
	}
	return s, err
}

// readKeys reads more and more of the debug information until all keys are found or it ends.
func readKeys(f *elf.File, sections []string, q Query) (Set, error) {
	info, err := openDebug(f, "info")
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for _, name := range sections {
		if data[name], err = debugSection(f, name); err != nil {
			return nil, err
		}
	}
	if info == nil || len(data["abbrev"]) == 0 {
		return nil, ErrNoDWARF
	}
	var raw bytes.Buffer
	for size := int64(firstDWARF); size <= maxDWARF; size *= 2 {
		_, err := io.CopyN(&raw, info, size-int64(raw.Len()))
		ends := errors.Is(err, io.EOF)
		if err != nil && !ends {
			return nil, err
		}
		s, complete, err := parseKeys(data, raw.Bytes(), ends, q)
		if complete || ends {
			return s, err
		}
	}
	return nil, ErrNoDWARF
}

// debugSections are the sections beside .debug_info that names, types and constants are in; from
// the third on DWARF 5 has them.
var debugSections = []string{"abbrev", "str", "addr", "line_str", "str_offsets", "rnglists"}

// parseKeys looks into debug information that ends there, or goes on. Go's units have their
// package's name. Where those did not tell everything, all are looked into.
func parseKeys(data map[string][]byte, info []byte, ends bool, q Query) (s Set, complete bool, err error) {
	units, whole := unitsOf(info)
	last := info[whole:]
	info = info[:whole] // debug/dwarf does not end where a unit is longer than all
	if !ends {          // the last unit may be most of all: look into what there is of it
		info = slices.Concat(info, cutUnit(last))
		units, _ = unitsOf(info)
	}
	if len(info) == 0 {
		return nil, false, ErrNoDWARF
	}
	d, err := dwarf.New(data["abbrev"], nil, nil, info, nil, nil, nil, data["str"])
	for _, name := range debugSections[2:] {
		if err == nil {
			err = d.AddSection(".debug_"+name, data[name])
		}
	}
	if err != nil {
		return nil, false, err
	}
	s, complete, err = fromDWARF(d, units, len(info), false, q)
	if ends && !complete {
		return fromDWARF(d, units, len(info), true, q)
	}
	return s, complete, err
}

// unitsOf finds where the first entry of every unit is, and where the last unit ends that is whole.
func unitsOf(info []byte) (units []dwarf.Offset, whole int) {
	le := binary.LittleEndian
	for {
		rest := info[whole:]
		if len(rest) < 24 {
			return units, whole
		}
		offset, head, n := 4, 4, uint64(le.Uint32(rest))
		if n == 0xffffffff { // 64-bit DWARF
			offset, head, n = 8, 12, le.Uint64(rest[4:])
		}
		if n < 24 || n > uint64(len(rest)-head) {
			return units, whole
		}
		first := head + headerSize(le.Uint16(rest[head:]), rest[head+2], offset)
		if first >= head+int(n) {
			return units, whole
		}
		units, whole = append(units, dwarf.Offset(whole+first)), whole+head+int(n)
	}
}

// cutUnit makes a unit of the beginning of one; nothing if that is too short.
func cutUnit(beginning []byte) []byte {
	le := binary.LittleEndian
	if len(beginning) < 64 {
		return nil
	}
	cut := slices.Clone(beginning)
	if le.Uint32(cut) == 0xffffffff { // 64-bit DWARF
		le.PutUint64(cut[4:], uint64(len(cut)-12))
	} else {
		le.PutUint32(cut, uint32(len(cut)-4))
	}
	return cut
}

// headerSize is the size of a unit's header without its length (DWARF 5, 7.5.1; DWARF 4, 7.5.1.1).
func headerSize(version uint16, kind byte, offset int) int {
	const version2, addressSize, kindSize, id = 2, 1, 1, 8
	size := version2 + offset + addressSize
	if version < 5 {
		return size
	}
	switch kind {
	case 2, 6: // of a type: DW_UT_type, DW_UT_split_type
		return size + kindSize + id + offset
	case 4, 5: // split off: DW_UT_skeleton, DW_UT_split_compile
		return size + kindSize + id
	}
	return size + kindSize
}

// debugSection returns the contents of a debug section, nil if there is none.
func debugSection(f *elf.File, name string) ([]byte, error) {
	r, err := openDebug(f, name)
	if r == nil || err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, maxDWARF+1))
	if len(out) > maxDWARF {
		return nil, ErrNoDWARF
	}
	return out, err
}

// openDebug returns a reader of a debug section's contents, nil if there is none.
func openDebug(f *elf.File, name string) (io.Reader, error) {
	if s := f.Section(".debug_" + name); s != nil && s.Type != elf.SHT_NOBITS {
		return s.Open(), nil
	}
	s := f.Section(".zdebug_" + name) // how linkers up to go1.18 marked compressed sections
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, nil
	}
	head := make([]byte, 12)
	if _, err := s.ReadAt(head, 0); err != nil || string(head[:4]) != "ZLIB" {
		return nil, fmt.Errorf("section %s is not compressed as its name says", s.Name)
	}
	z, err := zlib.NewReader(io.NewSectionReader(s, 12, int64(s.FileSize)-12))
	if err != nil {
		return nil, err
	}
	return io.LimitReader(z, int64(min(binary.BigEndian.Uint64(head[4:]), maxDWARF+1))), nil
}
