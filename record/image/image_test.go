package image_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/target"
)

// open opens a process that ends with the test.
func open(t *testing.T, pid int) *target.Process {
	t.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	return proc
}

func find(t *testing.T, proc *target.Process) *image.Image {
	t.Helper()
	found, err := image.Find(proc)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFindTellsWhereTheRuntimeIs makes sure of the address that Find gives: the number of
// goroutines that the runtime has there is one that can be.
func TestFindTellsWhereTheRuntimeIs(t *testing.T) {
	host, plugin := testenv.BuildPlugin(t, "")
	lib := testenv.BuildCLibrary(t, "")
	for _, test := range []struct {
		name    string
		cmd     *exec.Cmd
		file    string
		library bool
	}{
		{"an executable", exec.Command(host, plugin), host, false},
		{"a library that a C program is linked with", exec.Command(lib.Linked), lib.Library, true},
		{"a library that a C program opens", exec.Command(lib.Opens, lib.Library), lib.Library, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := testenv.Start(t, test.cmd)
			p.Tell(t, "open")
			proc := open(t, p.PID())
			found := find(t, proc)
			defer found.Close()
			if found.Name != test.file || found.Library != test.library || found.Recordable() != nil {
				t.Errorf("found %+v, not to be recorded because of: %v", found, found.Recordable())
			}
			addr, err := found.Binary.AllGs()
			length := make([]byte, 8)
			_, readErr := proc.ReadAt(length, int64(addr+found.Bias+8))
			if err := errors.Join(err, readErr); err != nil {
				t.Fatal(err)
			}
			if length[0] == 0 || strings.Trim(string(length[2:]), "\x00") != "" {
				t.Errorf("there are % x goroutines, the least first", length)
			}
		})
	}
}

func TestFindRefusesTwoRuntimes(t *testing.T) {
	lib := testenv.BuildCLibrary(t, "")
	second := filepath.Join(t.TempDir(), "second.so")
	code, err := os.ReadFile(lib.Library)
	if err := errors.Join(err, os.WriteFile(second, code, 0o755)); err != nil {
		t.Fatal(err)
	}
	p := testenv.Start(t, exec.Command(lib.Opens, lib.Library, second))
	p.Tell(t, "open")
	_, err = image.Find(open(t, p.PID()))
	if !errors.Is(err, image.ErrSeveralRuntimes) {
		t.Fatal(err)
	}
	if said := err.Error(); !strings.Contains(said, lib.Library) || !strings.Contains(said, second) {
		t.Errorf("it does not name both: %s", said)
	}
}

func TestLookFindsPluginsOnce(t *testing.T) {
	host, plugin := testenv.BuildPlugin(t, "")
	p := testenv.Start(t, exec.Command(host, plugin))
	proc := open(t, p.PID())
	modules := image.NewModules(proc, find(t, proc))
	defer modules.Close()
	if early := modules.Look(); len(early) > 0 {
		t.Errorf("before it is opened there is %+v", early[0])
	}
	p.Tell(t, "open")
	come := modules.Look()
	if len(come) != 1 || come[0].Path != plugin || come[0].Why != "" || len(come[0].Points) == 0 ||
		come[0].Probeable() != nil {
		t.Fatalf("when it is opened there are %+v", come)
	}
	at := come[0].Points[0].Addr + come[0].Bias
	if f, ok := modules.Code().FuncAt(at); !ok || f.Name != come[0].Points[0].Func {
		t.Errorf("at %#x is %q, want %s", at, f.Name, come[0].Points[0].Func)
	}
	if again := modules.Look(); len(again) > 0 {
		t.Errorf("it comes again: %+v", again[0])
	}
	if all := modules.All(); len(all) != 1 || modules.Failed() != nil {
		t.Errorf("known are %+v, not looked for because of: %v", all, modules.Failed())
	}
}
