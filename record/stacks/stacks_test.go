package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/snapshot"
)

// program has a function for each ten addresses, and a line for each of them. From 900 on it is not
// known.
type program map[uint64]string

var functions = program{
	1: "runtime.goexit", 2: "main.work", 3: "runtime.gopark", 4: "runtime.asyncPreempt", 5: "runtime.asyncPreempt2",
	6: "syscall.Syscall", 7: "syscall.fsync", 8: "runtime.reentersyscall", 9: "runtime.cgocall",
	10: "runtime.notetsleepg",
	11: "main.main", 12: "runtime.gcDrain", 13: "runtime.mcall", 14: "runtime.schedule",
	15: "main.wrapped" /* only its wrapper is here */, 90: "[plugin.so]",
}

func (p program) frame(pc uint64) gobin.Frame {
	return gobin.Frame{Func: p[pc/10], File: "f.go", Line: int(pc)}
}

func (p program) StartFrame(pc uint64) (gobin.Frame, bool) { return p.frame(pc), p[pc/10] != "" }
func (p program) CallFrames(ret uint64) []gobin.Frame      { return []gobin.Frame{p.frame(ret - 1)} }
func (p program) FuncAt(pc uint64) (gobin.Func, bool) {
	return gobin.Func{Name: p[pc/10]}, p[pc/10] != ""
}
func (p program) Frameless(pc uint64) bool          { return pc%10 == 0 }
func (p program) Unknown(ret uint64) (uint64, bool) { return 900, ret > 900 && ret < 1000 }
func (p program) AppendStack(dst []gobin.Frame, pcs []uint64, exact bool) []gobin.Frame {
	for i, pc := range pcs {
		if i > 0 || !exact {
			pc--
		}
		if pc >= 1000 || pc/10 == 15 {
			continue // no Go code, or a wrapper
		}
		dst = append(dst, p.frame(pc))
	}
	return dst
}

// newTable gives a table, and what looks a string of it up.
func newTable() (*Table, func(format.StringID) string) {
	strings := format.NewStrings()
	return New(functions, strings, strings), strings.Lookup
}

func TestStacksAsATraceHasThem(t *testing.T) {
	for _, c := range []struct {
		name       string
		stack      Stack
		want, call string
	}{
		{"that waits", Stack{[]uint64{31, 21, 11}, true}, "main.work f.go:20", ""},
		{"interrupted at an exact pc, with junk below its root", Stack{[]uint64{51, 41, 25, 11, 99}, false},
			"main.work f.go:25;runtime.asyncPreempt f.go:40;runtime.asyncPreempt2 f.go:50", ""},
		{"in a system call", Stack{[]uint64{81, 61, 71, 21, 11}, true},
			"main.work f.go:20;syscall.fsync f.go:70;syscall.Syscall f.go:60", "fsync"},
		{"in C", Stack{[]uint64{91, 21, 11}, true}, "main.work f.go:20;runtime.cgocall f.go:90", "cgo"},
		{"on a note", Stack{[]uint64{101, 21, 11}, true}, "main.work f.go:20;runtime.notetsleepg f.go:100", "futex"},
		{"of which the root is not seen", Stack{[]uint64{31, 21}, false}, "[truncated];main.work f.go:20", ""},
		{"whole without a root", Stack{[]uint64{31, 21}, true}, "main.work f.go:20", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, lookup := newTable()
			table.Define(7, c.stack)
			if got, call := lookup(table.ID(7)), lookup(table.Syscall(7)); got != c.want || call != c.call {
				t.Errorf("%q in %q, want %q in %q", got, call, c.want, c.call)
			}
		})
	}
}

func TestStacksReadFromMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		left snapshot.Stack
		want string
	}{
		{"running", snapshot.Stack{StartPC: 20}, "main.work f.go:20;[running]"},
		{"not begun", snapshot.Stack{StartPC: 20, PCs: []uint64{20}, Whole: true}, "main.work f.go:20"},
		{"waiting", snapshot.Stack{StartPC: 20, PCs: []uint64{31, 25, 11}, Whole: true}, "main.work f.go:24"},
		{"deep", snapshot.Stack{StartPC: 20, PCs: []uint64{31, 25}}, "[truncated];main.work f.go:24"},
		{"with a return address and no frame", snapshot.Stack{StartPC: 110, PCs: []uint64{25, 115, 11}, HasWord: true},
			"main.main f.go:114;main.work f.go:24"},
		{"with a word that is none", snapshot.Stack{StartPC: 20, PCs: []uint64{31, 999, 25, 11}, HasWord: true},
			"main.work f.go:24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, lookup := newTable()
			first := table.Found(&c.left)
			if got := lookup(first); got != c.want || table.Found(&c.left) != first {
				t.Errorf("%q, and then %q, want %q", got, lookup(table.Found(&c.left)), c.want)
			}
		})
	}
}

func TestEntryAndCreatorAreOneFrame(t *testing.T) {
	table, lookup := newTable()
	got := []string{lookup(table.Entry(20)), lookup(table.Entry(0)), lookup(table.Creator(115)),
		lookup(table.Creator(0))}
	if want := []string{"main.work f.go:20", "", "main.main f.go:114", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestModulesThatAreNotKnownAreBlamedEachTime(t *testing.T) {
	table, _ := newTable()
	blamed := ""
	table.Blame = func(module uint64) { blamed += fmt.Sprint(module, " ") }
	table.Define(7, Stack{[]uint64{901, 21, 11}, true})
	table.Define(8, Stack{[]uint64{31, 21, 11}, true})
	for range 2 {
		table.ID(7)
		table.ID(8)
	}
	table.Entry(900)
	if want := "900 900 900 "; blamed != want {
		t.Errorf("blamed are %q, want %q", blamed, want)
	}
}

func TestStacksThatAreLostAreCounted(t *testing.T) {
	table, lookup := newTable()
	if got := lookup(table.ID(7)); got != "" || table.Lost() != 1 {
		t.Errorf("one that was never defined is %q, lost are %d", got, table.Lost())
	}
	table.Define(7, Stack{[]uint64{31, 21, 11}, true})
	if got := lookup(table.ID(7)); got == "" || table.Lost() != 1 {
		t.Errorf("one that was defined later is %q, lost are %d", got, table.Lost())
	}
	table.Room.bytes = maxStackBytes
	table.Define(8, Stack{[]uint64{31, 25, 11}, true})
	if got := lookup(table.ID(8)); got != "" || table.Lost() != 2 {
		t.Errorf("one without room is %q, lost are %d", got, table.Lost())
	}
	for i := range uint64(2 * maxUnused) {
		table.Define(100+i, Stack{PCs: []uint64{31}})
	}
	if len(table.defs) > maxUnused {
		t.Errorf("%d stacks wait for their first event", len(table.defs))
	}
	if strings.Contains(lookup(table.ID(0)), "main") || table.Lost() != 2 {
		t.Errorf("no stack counts as one that is lost: %d", table.Lost())
	}
}
