package gobin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// symbols returns the ELF symbols of an executable that was not stripped.
func symbols(t *testing.T, path string) map[string][]elf.Symbol {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]elf.Symbol{}
	for _, s := range list {
		out[s.Name] = append(out[s.Name], s)
	}
	return out
}

func withSymbols(b build) bool { return !b.stripped() }

// TestIdentity checks what the executable says about itself.
func TestIdentity(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, b build, bin *Binary, path string) {
		if bin.GoVersion != b.toolchain || bin.Version.Minor != b.minor(t) || bin.Arch != b.arch {
			t.Errorf("%s %+v %s, want %s %s", bin.GoVersion, bin.Version, bin.Arch, b.toolchain, b.arch)
		}
		if want := strings.Contains(b.mode, "pie"); bin.PIE != want {
			t.Errorf("PIE is %v", bin.PIE)
		}
		if want := modes[b.mode].cgo; bin.Cgo() != want {
			t.Errorf("Cgo is %v", bin.Cgo())
		}
		id, err := exec.Command("go", "tool", "buildid", path).Output()
		if err != nil || bin.BuildID != strings.TrimSpace(string(id)) {
			t.Errorf("build id %q, go tool buildid says %q, %v", bin.BuildID, id, err)
		}
	})
}

// TestFunctionsAreTheSymbols compares the functions with the symbol table: every Go function's
// address and size.
func TestFunctionsAreTheSymbols(t *testing.T) {
	eachBuild(t, withSymbols, func(t *testing.T, _ build, bin *Binary, path string) {
		checked := 0
		for name, list := range symbols(t, path) {
			if elf.ST_TYPE(list[0].Info) != elf.STT_FUNC || !strings.HasPrefix(name, "runtime.") &&
				!strings.HasPrefix(name, "main.") {
				continue
			}
			f, ok := bin.Func(strings.TrimSuffix(name, ".abi0"))
			if !ok {
				if name == "runtime.text" || name == "runtime.etext" { // not functions
					continue
				}
				if bin.Version.Minor > 20 || !strings.Contains(name, "[") { // they abbreviate in the table
					t.Errorf("no function %s", name)
				}
				continue
			}
			at, ok := bin.FuncAt(list[0].Value + list[0].Size/2)
			if !ok || at.Name != f.Name || at.Entry != list[0].Value {
				t.Errorf("the function at %#x is %+v, want %s", list[0].Value, at, name)
			}
			checked++
		}
		if checked < 1000 {
			t.Errorf("only %d functions compared", checked)
		}
	})
}

// TestLargestOfSameName asks for a function that has a wrapper of its name.
func TestLargestOfSameName(t *testing.T) {
	eachBuild(t, withSymbols, func(t *testing.T, _ build, bin *Binary, path string) {
		var largest elf.Symbol
		syms := symbols(t, path)
		for _, s := range append(syms["runtime.newproc"], syms["runtime.newproc.abi0"]...) {
			if s.Size > largest.Size {
				largest = s
			}
		}
		if f, ok := bin.Func("runtime.newproc"); !ok || f.Entry != largest.Value {
			t.Errorf("newproc at %#x, the larger is at %#x", f.Entry, largest.Value)
		}
	})
}

// TestTableIsDWARF compares the generated table with the debug information of the test programs.
func TestTableIsDWARF(t *testing.T) {
	eachBuild(t, withSymbols, func(t *testing.T, b build, bin *Binary, _ string) {
		own, err := bin.dwarf(offsets.Keys)
		if err != nil {
			t.Fatal(err)
		}
		table, _, err := offsets.Lookup(b.minor(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range offsets.Keys {
			if table[k.Name] != own[k.Name] && !k.MayDrift {
				t.Errorf("%s is %d in the table and %d in DWARF", k.Name, table[k.Name], own[k.Name])
			}
		}
		part, err := bin.dwarf(layoutKeys())
		if want := len(layoutFields) + 1; err != nil || len(part) != want { // and waitUnlockKey
			t.Fatalf("%d of the layout's %d numbers: %v", len(part), want, err)
		}
		for key, n := range part {
			if own[key] != n {
				t.Errorf("%s is %d where all of DWARF was read, and else %d", key, own[key], n)
			}
		}
	})
}

// TestLayout checks where the layout comes from and that it is whole.
func TestLayout(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, b build, bin *Binary, _ string) {
		l, err := bin.Layout()
		if err != nil {
			t.Fatal(err)
		}
		want := "dwarf"
		if b.stripped() {
			want = "table " + b.toolchain[:len("go1.26")]
		}
		if l.Source != want {
			t.Errorf("source %q, want %q", l.Source, want)
		}
		minor := b.minor(t)
		for name, check := range map[string]struct {
			got   int32
			since int
		}{"syscallbp": {l.G.SyscallBP, 23}, "parentGoid": {l.G.ParentGoID, 21}, "coroarg": {l.G.CoroArg, 22},
			"syncSafePoint": {l.G.SyncSafePoint, 25}} {
			if (check.got == Absent) != (minor < check.since) {
				t.Errorf("%s is %d in go1.%d", name, check.got, minor)
			}
		}
		if l.G.GoID <= 0 || l.M.CurG <= 0 || l.Gobuf.PC <= 0 || l.M.WaitLock <= 0 {
			t.Errorf("fields missing: %+v", l)
		}
		c, err := bin.decode("runtime.gopark")
		if stored := bin.parkedLock(c); err != nil || stored != int64(l.M.WaitLock) {
			t.Errorf("m.waitlock is at %d, and by gopark's code at %d: %v", l.M.WaitLock, stored, err)
		}
	})
}

// TestSemaphore wants the place of a semaphore's address to be found in every build, and to be where
// the frames of amd64 have it.
func TestSemaphore(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, b build, bin *Binary, _ string) {
		s, ok := bin.Semaphore()
		if !ok || s.Code.Name != "runtime.semacquire1" || b.arch == "amd64" && s.Slot != 16 {
			t.Errorf("%+v, %t", s, ok)
		}
	})
}

// TestWrongOffsetsAreRefused moves each offset that the machine code can prove.
func TestWrongOffsetsAreRefused(t *testing.T) {
	eachBuild(t, build.stripped, func(t *testing.T, b build, bin *Binary, _ string) {
		for _, p := range proofs {
			if bin.set[p.key] == Absent {
				continue
			}
			changed := offsets.Set{}
			for k, v := range bin.set {
				changed[k] = v
			}
			changed[p.key] += 1024
			if err := bin.checkOffsets(changed); err == nil {
				t.Errorf("%s at %d instead of %d was accepted", p.key, changed[p.key], bin.set[p.key])
			}
		}
	})
}

// TestVariables compares the addresses that were read from code with the symbols.
func TestVariables(t *testing.T) {
	eachBuild(t, withSymbols, func(t *testing.T, _ build, bin *Binary, path string) {
		syms := symbols(t, path)
		allgs, err := bin.AllGs()
		if err != nil || allgs != syms["runtime.allgs"][0].Value {
			t.Errorf("allgs at %#x, %v; want %#x", allgs, err, syms["runtime.allgs"][0].Value)
		}
		procs, ok := bin.GOMAXPROCSAddr()
		if !ok || procs != syms["runtime.gomaxprocs"][0].Value {
			t.Errorf("gomaxprocs at %#x, %v; want %#x", procs, ok, syms["runtime.gomaxprocs"][0].Value)
		}
		procs, ok = bin.NewprocsAddr()
		if !ok || procs != syms["runtime.newprocs"][0].Value {
			t.Errorf("newprocs at %#x, %v; want %#x", procs, ok, syms["runtime.newprocs"][0].Value)
		}
	})
	eachBuild(t, build.stripped, func(t *testing.T, _ build, bin *Binary, _ string) {
		if _, err := bin.AllGs(); err != nil {
			t.Error(err)
		}
		if _, ok := bin.GOMAXPROCSAddr(); !ok {
			t.Error("gomaxprocs not found")
		}
		if _, ok := bin.NewprocsAddr(); !ok {
			t.Error("newprocs not found")
		}
	})
}

// TestReasons checks the tables of texts: their length by the symbol's size, a few elements, and
// that stripped programs have the same.
func TestReasons(t *testing.T) {
	byVersion := map[string][]string{}
	check := func(t *testing.T, b build, bin *Binary, path string) {
		wait, err := bin.WaitReasons()
		if err != nil {
			t.Fatal(err)
		}
		stop, err := bin.STWReasons()
		if err != nil || (stop == nil) != (b.minor(t) < 21) {
			t.Fatalf("reasons to stop the world: %q, %v", stop, err)
		}
		for _, want := range []string{"IO wait", "select", "sleep", "chan receive", "finalizer wait", "preempted"} {
			if !slices.Contains(wait, want) {
				t.Errorf("no wait reason %q in %q", want, wait)
			}
		}
		if !b.stripped() {
			syms := symbols(t, path)
			if n := syms["runtime.waitReasonStrings"][0].Size / 16; int(n) != len(wait) {
				t.Errorf("%d wait reasons, the symbol has %d", len(wait), n)
			}
			if s := syms["runtime.stwReasonStrings"]; len(s) > 0 && int(s[0].Size/16) != len(stop) {
				t.Errorf("%d reasons to stop the world, the symbol has %d", len(stop), s[0].Size/16)
			}
		}
		all := append(append([]string{}, wait...), stop...)
		if old, ok := byVersion[b.toolchain]; ok && !slices.Equal(all, old) {
			t.Errorf("reasons differ between builds of one version:\n%q\n%q", all, old)
		}
		byVersion[b.toolchain] = all
	}
	eachBuild(t, withSymbols, check)
	eachBuild(t, build.stripped, check)
}

// TestRefusals gives files that are none of what is supported.
func TestRefusals(t *testing.T) {
	path := build{toolchain: local, arch: "amd64", mode: "stripped"}.make(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	version := func(v string) []byte {
		v += strings.Repeat(" ", len(local)-len(v))
		return bytes.ReplaceAll(good, []byte(local), []byte(v))
	}
	machine := bytes.Clone(good)
	binary.LittleEndian.PutUint16(machine[18:], uint16(elf.EM_RISCV))
	object := bytes.Clone(good)
	binary.LittleEndian.PutUint16(object[16:], uint16(elf.ET_CORE))
	tests := []struct {
		name string
		file []byte
		want error
		says string
	}{
		{"empty", nil, ErrNotGo, "not an ELF file"},
		{"text", []byte("#!/bin/sh\necho hello\n"), ErrNotGo, "not an ELF file"},
		{"cut after the headers", good[:4096], ErrDamaged, "ELF headers"},
		{"32-bit", elf32(), ErrUnsupported, "32-bit"},
		{"other processor", machine, ErrUnsupported, "EM_RISCV"},
		{"core dump", object, ErrUnsupported, "ET_CORE"},
		{"too old", version("go1.17.1"), ErrUnsupported, "older than go1.18"},
		{"too new", version("go1.99.1"), ErrUnsupported, "newer than go1.27"},
		{"pre-release", version("go1.26r1"), ErrUnsupported, "Go version"},
		{"release candidate", version("go1.9rc1"), ErrUnsupported, "older"},
		{"no version", version("unknown"), ErrUnsupported, "removed"},
		{"strange version", version("gopher"), ErrUnsupported, "Go version"},
		{"no function table", bytes.ReplaceAll(good, []byte("\xf1\xff\xff\xff\x00\x00\x01\x08"), make([]byte, 8)),
			ErrDamaged, "function table"},
	}
	for _, tt := range tests {
		_, err := New(bytes.NewReader(tt.file))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v that says %q", tt.name, err, tt.want, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line: %v", tt.name, err)
		}
	}
	if _, err := Open(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// elf32 returns the header of a 32-bit executable with one segment.
func elf32() []byte {
	var b bytes.Buffer
	h := elf.Header32{Ident: [16]byte{0x7f, 'E', 'L', 'F', 1, 1, 1}, Type: 2, Machine: uint16(elf.EM_386), Version: 1,
		Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1, Shentsize: 40}
	p := elf.Prog32{Type: uint32(elf.PT_LOAD), Vaddr: 0x8048000, Filesz: 84, Memsz: 84, Flags: 5, Align: 4096}
	binary.Write(&b, binary.LittleEndian, h)
	binary.Write(&b, binary.LittleEndian, p)
	return b.Bytes()
}

// TestNewerWithDWARF pretends that an executable is of a version to come: with DWARF that has
// everything it works.
func TestNewerWithDWARF(t *testing.T) {
	good, err := os.ReadFile(build{toolchain: local, arch: "amd64", mode: "plain"}.make(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(bytes.NewReader(bytes.ReplaceAll(good, []byte(local), []byte("go1.99.1"[:len(local)]))))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := b.Layout(); err != nil || l.Source != "dwarf" || b.Tested() {
		t.Errorf("layout from %q, %v, tested: %v", l.Source, err, b.Tested())
	}
	if _, _, err := b.Probes(); err != nil {
		t.Error(err)
	}
}
