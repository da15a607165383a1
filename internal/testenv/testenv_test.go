package testenv

import (
	"debug/elf"
	"os"
	"os/exec"
	"testing"
)

func TestBuildIsCachedByContent(t *testing.T) {
	first := Build(t, Program{Name: "yield"})
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	again := Build(t, Program{Name: "yield"})
	after, err := os.Stat(again)
	if err != nil {
		t.Fatal(err)
	}
	if first != again || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("a second build made %s anew (first %s)", again, first)
	}
	if stripped := Build(t, Program{Name: "yield", Mode: Stripped}); stripped == first {
		t.Error("another mode gave the same file")
	}
	if err := run(exec.Command(first)); err != nil {
		t.Error(err)
	}
}

func TestModesMakeTheBinariesTheyName(t *testing.T) {
	for _, test := range []struct {
		mode           Mode
		symbols, pie   bool
		dynamicLibrary bool
	}{
		{mode: Plain, symbols: true},
		{mode: Stripped},
		{mode: PIE, symbols: true, pie: true},
		{mode: Cgo, symbols: true, dynamicLibrary: true},
	} {
		t.Run(string(test.mode), func(t *testing.T) {
			f, err := elf.Open(Build(t, Program{Name: "yield", Mode: test.mode}))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got := f.Section(".symtab") != nil; got != test.symbols {
				t.Errorf("has a symbol table: %v", got)
			}
			if got := f.Type == elf.ET_DYN; got != test.pie {
				t.Errorf("is position independent: %v", got)
			}
			libs, err := f.ImportedLibraries()
			if err != nil {
				t.Fatal(err)
			}
			if got := len(libs) > 0; got != test.dynamicLibrary {
				t.Errorf("imports %v", libs)
			}
		})
	}
}

func TestBuildErrorNamesWhatWasBuilt(t *testing.T) {
	_, err := build(Root(t), Program{Name: "no-such-program", Toolchain: goVersion(t), Mode: Plain})
	if err == nil {
		t.Fatal("a program that does not exist was built")
	}
}
