package gobin

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/gosched/gosched/record/gobin/internal/image"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// patch is a change of a file: eight bytes at an offset.
const patchLen = 12

// FuzzOpen changes bytes of good executables: whatever is in the file, there is an answer or an
// error, soon.
func FuzzOpen(f *testing.F) {
	var good [][]byte
	for _, b := range []build{{toolchain: local, arch: "amd64", mode: "stripped"}, {toolchain: local, arch: "arm64",
		mode: "pie stripped"}} {
		data, err := os.ReadFile(b.make(f))
		if err != nil {
			f.Fatal(err)
		}
		good = append(good, data)
	}
	for i, data := range good {
		f.Add(uint8(i), len(data), []byte{})
		f.Add(uint8(i), 5000, []byte{})
		for _, at := range interesting(f, data) {
			f.Add(uint8(i), len(data), binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, at),
				1<<63|1<<20))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, size int, patches []byte) {
		data := bytes.Clone(good[int(which)%len(good)])
		for ; len(patches) >= patchLen; patches = patches[patchLen:] {
			if at := int(binary.LittleEndian.Uint32(patches)); at < len(data)-8 {
				copy(data[at:], patches[4:patchLen])
			}
		}
		use(data[:min(len(data), max(0, size))])
	})
}

// interesting returns the file offsets of headers and tables.
func interesting(f *testing.F, data []byte) []uint32 {
	b, err := New(bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	out := []uint32{0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58, 0x60, 0x68}
	add := func(addr uint64) {
		if off, ok := b.FileOffset(addr); ok {
			out = append(out, uint32(off))
		}
	}
	for _, s := range b.img.File.Sections {
		add(s.Addr)
	}
	for i := uint64(0); i < 40; i++ {
		add(b.md.addr + 8*i)
	}
	for _, name := range []string{"runtime.park_m", "runtime.ready", "runtime.casgstatus", "runtime.allgadd"} {
		fn, _ := b.Func(name)
		add(fn.Entry)
	}
	return out
}

// use asks an executable for everything.
func use(data []byte) {
	b, err := New(bytes.NewReader(data))
	if err != nil {
		return
	}
	b.Layout()
	b.WaitReasons()
	b.STWReasons()
	b.AllGs()
	b.GOMAXPROCSAddr()
	b.NewprocsAddr()
	b.Probes()
	b.Func("main.main")
	for pc := b.md.minpc; pc-b.md.minpc < 1<<20; pc += 50021 {
		b.Frames(pc)
	}
}

// FuzzPclntab reads function tables made of arbitrary bytes.
func FuzzPclntab(f *testing.F) {
	data, err := os.ReadFile(build{toolchain: local, arch: "amd64", mode: "stripped"}.make(f))
	if err != nil {
		f.Fatal(err)
	}
	b, err := New(bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	s := b.img.File.Section(".gopclntab")
	table, err := s.Data()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(table[:4096], uint16(100), uint64(0))
	f.Add(table[:65536], uint16(700), uint64(1<<40))
	f.Add(table[:256], uint16(9), uint64(1<<63))
	format := pclnFormat(b.set)
	f.Fuzz(func(t *testing.T, table []byte, pc uint16, gofunc uint64) {
		const base = 0x400000
		img, err := image.New(bytes.NewReader(oneSegment(base, table)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := img.Window(base+headersLen, uint64(len(table)))
		if err != nil {
			t.Fatal(err)
		}
		h, err := pcln.ReadHeader(w, 1)
		if err != nil {
			return
		}
		inl, err := img.Window(base+headersLen+gofunc%uint64(len(table)), 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		tab := pcln.New(w, inl, h, 0, format)
		fn, ok := tab.Find(uint64(pc))
		if !ok {
			fn, ok = tab.At(int(pc))
		}
		if !ok {
			return
		}
		tab.Name(fn)
		for _, c := range tab.Calls(fn, fn.Entry+uint64(pc)) {
			tab.NameAt(c.NameOff)
			tab.Line(fn, c.PC)
		}
		tab.SPDelta(fn, fn.Entry)
		tab.Inlined(fn, func(pcln.Run, pcln.Call) {})
	})
}

const headersLen = 64 + 56

// oneSegment makes an ELF file with data in its only segment.
func oneSegment(base uint64, data []byte) []byte {
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, headersLen-7)...)
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)  // ET_EXEC
	le.PutUint16(b[18:], 62) // EM_X86_64
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[32:], 64) // program headers
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	le.PutUint16(b[58:], 64)
	le.PutUint32(b[64:], 1) // PT_LOAD
	le.PutUint32(b[68:], 6)
	le.PutUint64(b[80:], base)
	le.PutUint64(b[96:], uint64(headersLen+len(data)))
	le.PutUint64(b[104:], uint64(headersLen+len(data)))
	return append(b, data...)
}
