package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// GoBuildID reads the Go build id from the notes; empty if there is none: name "Go", type 4
// (src/cmd/internal/buildid/note.go).
func (m *Image) GoBuildID() string {
	for _, p := range m.File.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz > 1<<16 {
			continue
		}
		notes := make([]byte, p.Filesz)
		n, _ := p.ReadAt(notes, 0)
		if id := goNote(notes[:n]); id != "" {
			return id
		}
	}
	return ""
}

func goNote(b []byte) string {
	for len(b) >= 12 {
		name, desc, typ := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]),
			binary.LittleEndian.Uint32(b[8:])
		end := (12+uint64(name)+3)&^3 + uint64(desc)
		if end > uint64(len(b)) {
			return ""
		}
		if typ == 4 && bytes.HasPrefix(b[12:], []byte("Go\x00\x00")) && name == 4 {
			return string(b[16:end])
		}
		b = b[min(uint64(len(b)), (end+3)&^3):]
	}
	return ""
}
