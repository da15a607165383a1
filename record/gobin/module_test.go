package gobin

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func openBuild(t testing.TB, mode string) *Binary {
	t.Helper()
	b, err := Open(build{toolchain: local, arch: runtime.GOARCH, mode: mode}.make(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestALibraryIsUnderstoodAsAProgramIs(t *testing.T) {
	for _, mode := range []string{"library", "library plain"} {
		t.Run(mode, func(t *testing.T) {
			b := openBuild(t, mode)
			_, err1 := b.Layout()
			_, _, err2 := b.Probes()
			_, err3 := b.AllGs()
			_, err4 := b.WaitReasons()
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Error(err)
			}
			if _, ok := b.GOMAXPROCSAddr(); !ok {
				t.Error("runtime.gomaxprocs was not found")
			}
			if b.Plugin() || !b.Cgo() {
				t.Errorf("a plugin: %v, with C: %v", b.Plugin(), b.Cgo())
			}
		})
	}
}

func TestAPluginIsToldFromOtherFiles(t *testing.T) {
	for mode, want := range map[string]bool{
		"plugin": true, "plugin plain": true, "library": false, "plain": false, "pie": false, "cgo": false,
	} {
		b := openBuild(t, mode)
		if b.Plugin() != want {
			t.Errorf("%s: a plugin: %v", mode, b.Plugin())
		}
		if _, _, err := b.Probes(); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// moduledataAt is the file's moduledata as it is in memory when the file is loaded at a bias.
func moduledataAt(b *Binary, bias uint64) []byte {
	var raw []byte
	for _, w := range b.img.Words(b.md.addr, b.ModuledataSize()/8) {
		if b.img.Contains(w) && w > 1<<12 { // a pointer, as far as this test cares
			w += bias
		}
		raw = binary.LittleEndian.AppendUint64(raw, w)
	}
	return raw
}

func TestAModuleIsRecognisedByItsModuledata(t *testing.T) {
	const bias = 0x7f12_0000_0000
	for _, mode := range []string{"library", "plugin plain"} {
		b, other := openBuild(t, mode), openBuild(t, "pie")
		m, err := b.ParseModule(moduledataAt(b, bias))
		if err != nil {
			t.Fatal(err)
		}
		if !b.Is(m, bias) {
			t.Errorf("%s: %+v is not the file at %#x, whose functions are from %#x on", mode, m, uint64(bias),
				b.md.minpc)
		}
		if b.Is(m, bias+4096) || other.Is(m, bias) {
			t.Errorf("%s: it is taken for something else", mode)
		}
		if m.Next != 0 {
			t.Errorf("%s: another module follows at %#x", mode, m.Next)
		}
		if _, err := b.ParseModule(moduledataAt(b, bias)[:b.ModuledataSize()-8]); err == nil {
			t.Errorf("%s: half a moduledata is one", mode)
		}
	}
}

func TestAnotherBuildHasAnotherFunctionTable(t *testing.T) {
	const bias = 1 << 40
	b, other := openBuild(t, "library"), openBuild(t, "plugin")
	read := func(b *Binary) func(uint64, []byte) error {
		return func(addr uint64, buf []byte) error {
			return b.readFor(addr-bias, buf)
		}
	}
	if err := b.SameTable(read(b), bias); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := b.SameTable(read(other), bias); err == nil {
		t.Error("another file's table is the same")
	}
	last := b.table.Addr() + b.table.IndexEnd() - 1
	changed := func(addr uint64, buf []byte) error {
		if err := b.readFor(addr-bias, buf); err != nil {
			return err
		}
		if i := last - (addr - bias); i < uint64(len(buf)) {
			buf[i] ^= 1
		}
		return nil
	}
	if err := b.SameTable(changed, bias); err == nil {
		t.Error("a table whose last byte differs is the same")
	}
}

// readFor reads the file at link-time addresses.
func (b *Binary) readFor(addr uint64, buf []byte) error {
	raw, err := b.img.Read(addr, uint64(len(buf)))
	copy(buf, raw)
	return err
}

func TestFramesOfSeveralModules(t *testing.T) {
	const mainBias, pluginBias, strange = 1 << 40, 2 << 40, 3 << 40
	main, plugin := openBuild(t, "pie"), openBuild(t, "plugin")
	var l Loaded
	l.Add(main, mainBias)
	l.Add(plugin, pluginBias)
	l.AddUnknown("/lib/odd; name.so", strange, strange+0x1000)
	const name = "[odd__name.so]"
	entry := func(b *Binary, name string, bias uint64) uint64 {
		f, ok := b.Func(name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		return f.Entry + bias
	}
	goexit, gopark := entry(main, "runtime.goexit", mainBias)+1, entry(plugin, "runtime.gopark", pluginBias)
	var got []string
	for _, f := range l.AppendStack(nil, []uint64{gopark, strange + 16, 4 << 40, goexit}, true) {
		got = append(got, f.Func)
	}
	if want := []string{"runtime.gopark", name, "runtime.goexit"}; !slices.Equal(got, want) {
		t.Errorf("the stack is %v; want %v", got, want)
	}
	if f, ok := l.FuncAt(gopark); !ok || f.Name != "runtime.gopark" || f.Entry != gopark {
		t.Errorf("at %#x there is %+v, %v", gopark, f, ok)
	}
	if f, ok := l.StartFrame(strange); !ok || f.Func != name {
		t.Errorf("a goroutine that begins in an unknown module has the entry function %+v, %v", f, ok)
	}
	for ret, want := range map[uint64]bool{strange + 1: true, strange + 0x1000: true, strange: false,
		gopark + 1: false} {
		if begin, ok := l.Unknown(ret); ok != want || ok && begin != strange {
			t.Errorf("%#x is in an unknown module: %v, from %#x on", ret, ok, begin)
		}
	}
}

func TestMayBeGo(t *testing.T) {
	for _, mode := range []string{"plain", "stripped", "library", "plugin"} {
		f, err := os.Open(build{toolchain: local, arch: runtime.GOARCH, mode: mode}.make(t))
		if err != nil {
			t.Fatal(err)
		}
		if !MayBeGo(f) {
			t.Errorf("%s: it is said not to be Go", mode)
		}
		f.Close()
	}
	libs, _ := filepath.Glob("/lib/*/libc.so.6")
	for _, lib := range libs {
		f, err := os.Open(lib)
		if err != nil {
			t.Fatal(err)
		}
		if MayBeGo(f) {
			t.Errorf("%s is said to be Go", lib)
		}
		f.Close()
	}
}

// FuzzParseModule reads a moduledata out of memory that may hold anything.
func FuzzParseModule(f *testing.F) {
	b := openBuild(f, "library")
	f.Add(moduledataAt(b, 0))
	f.Add(moduledataAt(b, 1<<47))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := b.ParseModule(raw)
		if err == nil && (m.MinPC >= m.MaxPC || m.Table == 0) {
			t.Errorf("%+v is a module", m)
		}
		b.Is(m, uint64(len(raw)))
	})
}
