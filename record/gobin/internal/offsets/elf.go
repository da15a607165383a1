package offsets

import (
	"compress/zlib"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrNoDWARF says that there is no debug information, or more than is read into memory.
var ErrNoDWARF = errors.New("no DWARF")

// maxDWARF bounds the decompressed .debug_info, which has to be in memory for reading: programs of 200 MB have about as much.
const maxDWARF = 64 << 20

// FromELF reads all Keys from an executable's debug information.
func FromELF(f *elf.File) (Set, error) {
	d, err := dwarfData(f)
	if err != nil {
		return nil, err
	}
	return FromDWARF(d)
}

// debugSections are the sections that names, types and constants are in; from the fourth on DWARF 5 has them.
var debugSections = []string{"abbrev", "info", "str", "addr", "line_str", "str_offsets", "rnglists"}

// dwarfData loads the few sections that struct types are described in.
func dwarfData(f *elf.File) (*dwarf.Data, error) {
	data := map[string][]byte{}
	for _, name := range debugSections {
		var err error
		if data[name], err = debugSection(f, name); err != nil {
			return nil, err
		}
	}
	if len(data["info"]) == 0 || len(data["abbrev"]) == 0 {
		return nil, ErrNoDWARF
	}
	d, err := dwarf.New(data["abbrev"], nil, nil, data["info"], nil, nil, nil, data["str"])
	for _, name := range debugSections[3:] {
		if err == nil {
			err = d.AddSection(".debug_"+name, data[name])
		}
	}
	return d, err
}

// debugSection returns the contents of a debug section, nil if there is none.
func debugSection(f *elf.File, name string) ([]byte, error) {
	if s := f.Section(".debug_" + name); s != nil && s.Type != elf.SHT_NOBITS {
		if s.Size > maxDWARF {
			return nil, ErrNoDWARF
		}
		return s.Data()
	}
	s := f.Section(".zdebug_" + name) // how linkers up to go1.18 marked compressed sections
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, nil
	}
	head := make([]byte, 12)
	if _, err := s.ReadAt(head, 0); err != nil || string(head[:4]) != "ZLIB" {
		return nil, fmt.Errorf("section %s is not compressed as its name says", s.Name)
	}
	size := binary.BigEndian.Uint64(head[4:])
	if size > maxDWARF {
		return nil, ErrNoDWARF
	}
	z, err := zlib.NewReader(io.NewSectionReader(s, 12, int64(s.FileSize)-12))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(size)))
	return out, errors.Join(err, z.Close())
}
