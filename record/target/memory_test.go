//go:build linux

package target

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// twoPages maps two pages, fills the first and takes the second away again.
func twoPages(t *testing.T) (page []byte, addr uint64) {
	t.Helper()
	size := os.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	for i := range size {
		mem[i] = byte(i * 7)
	}
	if err := unix.Mprotect(mem[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return mem[:size], uint64(uintptr(unsafe.Pointer(&mem[0])))
}

func TestReadAtReadsUpToTheEndOfMemory(t *testing.T) {
	page, addr := twoPages(t)
	p := open(t, os.Getpid())
	tests := []struct {
		name     string
		addr     int64
		len, got int
		err      error
	}{
		{"inside", int64(addr) + 10, 100, 100, nil},
		{"up to the last byte", int64(addr) + int64(len(page)) - 8, 8, 8, nil},
		{"beyond it", int64(addr) + int64(len(page)) - 8, 16, 8, io.ErrUnexpectedEOF},
		{"where nothing is mapped", 8, 8, 0, io.ErrUnexpectedEOF},
		{"nothing at all", 8, 0, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			buf := make([]byte, test.len)
			n, err := p.ReadAt(buf, test.addr)
			if n != test.got || !errors.Is(err, test.err) {
				t.Fatalf("ReadAt = %d, %v; want %d, %v", n, err, test.got, test.err)
			}
			if n > 0 {
				at := test.addr - int64(addr)
				if !bytes.Equal(buf[:n], page[at:at+int64(n)]) {
					t.Error("it read other bytes than there are")
				}
			}
		})
	}
	if _, err := p.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("no error for a negative address")
	}
}

func TestReadManyLeavesOutWhatIsNotMapped(t *testing.T) {
	page, addr := twoPages(t)
	bad := []uint64{8, addr + uint64(len(page)) - 3, ^uint64(0) - 64}
	const count = 3*maxRanges + 5
	ranges := make([]Range, count)
	want := make([]bool, count)
	for i := range ranges {
		ranges[i] = Range{Addr: addr + uint64(i), Buf: make([]byte, 8), OK: true}
		want[i] = true
		if i%100 == 7 || i == count-1 || i == maxRanges {
			ranges[i].Addr, want[i] = bad[i%len(bad)], false
		}
	}
	ranges[20] = Range{Addr: 8} // nothing to read is read from anywhere
	if err := open(t, os.Getpid()).ReadMany(ranges); err != nil {
		t.Fatal(err)
	}
	for i, r := range ranges {
		if r.OK != want[i] {
			t.Errorf("range %d at %#x: OK = %v; want %v", i, r.Addr, r.OK, want[i])
		}
		if r.OK && len(r.Buf) > 0 && !bytes.Equal(r.Buf, page[i:i+8]) {
			t.Errorf("range %d: it read other bytes than there are", i)
		}
	}
}

func TestReadingMemoryOfAProcessThatIsGone(t *testing.T) {
	cat := run(t, exec.Command("cat"))
	p := open(t, cat.Process.Pid)
	cat.in.Close()
	if err := cat.Wait(); err != nil {
		t.Fatal(err)
	}
	err := p.ReadMany([]Range{{Addr: 4096, Buf: make([]byte, 8)}})
	if !errors.Is(err, ErrNoProcess) {
		t.Errorf("ReadMany: %v; want ErrNoProcess", err)
	}
	if _, err := p.ReadAt(make([]byte, 8), 4096); !errors.Is(err, ErrNoProcess) {
		t.Errorf("ReadAt: %v; want ErrNoProcess", err)
	}
}

// The mappings of the executable hold its entry point, which the kernel tells a process.
func TestExeMappingsAreThoseOfTheExecutable(t *testing.T) {
	cat := run(t, exec.Command("cat"))
	for _, pid := range []int{os.Getpid(), cat.Process.Pid} {
		p := open(t, pid)
		maps, err := p.ExeMappings()
		if err != nil || len(maps) == 0 {
			t.Fatalf("ExeMappings() = %v, %v", maps, err)
		}
		entry := entryPoint(t, p)
		holds := func(m Mapping) bool { return m.Executable && m.Start <= entry && entry < m.End }
		if !slices.ContainsFunc(maps, holds) {
			t.Errorf("process %d: entry point %#x is in none of %v", pid, entry, maps)
		}
		all, err := p.Maps()
		if err != nil || len(all) <= len(maps) {
			t.Errorf("process %d: %d mappings in all, %v; want more than the executable's %d", pid, len(all), err,
				len(maps))
		}
	}
}

func entryPoint(t *testing.T, p *Process) uint64 {
	t.Helper()
	const atEntry = 9
	raw, err := p.read("auxv")
	if err != nil {
		t.Fatal(err)
	}
	for ; len(raw) >= 16; raw = raw[16:] {
		if binary.NativeEndian.Uint64(raw) == atEntry {
			return binary.NativeEndian.Uint64(raw[8:])
		}
	}
	t.Fatal("no entry point in the auxiliary vector")
	return 0
}

func TestParseMapping(t *testing.T) {
	tests := []struct {
		line string
		want Mapping
	}{
		{
			"55d0c000-55d0e000 r-xp 00002000 08:02 173521                     /usr/bin/my program",
			Mapping{Start: 0x55d0c000, End: 0x55d0e000, Offset: 0x2000, Inode: 173521, Executable: true,
				Path: "/usr/bin/my program"},
		},
		{
			"7ffd000-7ffe000 rw-p 00000000 00:00 0                          [stack]",
			Mapping{Start: 0x7ffd000, End: 0x7ffe000, Path: "[stack]"},
		},
		{"c000000000-c000400000 rw-p 00000000 00:00 0 ", Mapping{Start: 0xc000000000, End: 0xc000400000}},
		{
			`400000-401000 r--p 00000000 08:02 5 /tmp/a\012b (deleted)`,
			Mapping{Start: 0x400000, End: 0x401000, Inode: 5, Path: "/tmp/a\nb (deleted)"},
		},
	}
	for _, test := range tests {
		got, err := parseMapping(test.line)
		if err != nil || got != test.want {
			t.Errorf("%q: %+v, %v; want %+v", test.line, got, err, test.want)
		}
	}
	for _, line := range []string{"", "x", "1-2", "2-1 r-xp 0 08:02 5 /x", "1-2 r-xp z 08:02 5 /x",
		"1-2 r-xp 0 08:02 -5 /x"} {
		if m, err := parseMapping(line); err == nil {
			t.Errorf("%q: %+v; want an error", line, m)
		}
	}
}

func FuzzParseMapping(f *testing.F) {
	f.Add("55d0c000-55d0e000 r-xp 00002000 08:02 173521                     /usr/bin/my program")
	f.Add("c000000000-c000400000 rw-p 00000000 00:00 0 ")
	f.Fuzz(func(t *testing.T, line string) {
		if m, err := parseMapping(line); err == nil && m.End < m.Start {
			t.Errorf("%q: mapping ends before it starts: %+v", line, m)
		}
	})
}

func FuzzSplitStat(f *testing.F) {
	f.Add("77 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20")
	f.Fuzz(func(t *testing.T, stat string) {
		if fields, err := splitStat(stat); err == nil && len(fields) <= fieldLast {
			t.Errorf("%q: %d fields", stat, len(fields))
		}
	})
}
