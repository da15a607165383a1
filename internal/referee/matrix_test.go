package referee

import (
	"fmt"
	"slices"

	"github.com/gosched/gosched/internal/testenv"
)

// move is a kind of move, with a reason, that a program has to make, or its test would test
// nothing.
type move struct {
	what  string // as in Report.Met
	since string // the first Go version in which it is called so; empty: all
	procs int    // only if it runs with this many Ps; 0: with any number
}

// programs are the programs of testdata/progs, the first Go version that each needs, and what they
// have to show.
var programs = []struct {
	name, since string
	shows       []move
}{
	{"channels", "go1.18", []move{{what: "running→waiting chan receive"}, {what: "running→waiting chan send"}}},
	{"selects", "go1.18", []move{
		{what: "running→waiting select"}, {what: "running→waiting select (no cases)"},
		{what: "running→waiting chan receive (nil chan)"}, {what: "running→waiting chan send (nil chan)"},
	}},
	{"locks", "go1.18", []move{
		{what: "running→waiting sync.Mutex.Lock", since: "go1.20"}, {what: "running→waiting sync.RWMutex.RLock",
			since: "go1.20"},
		{what: "running→waiting sync.RWMutex.Lock", since: "go1.20"}, {what: "running→waiting sync.Cond.Wait"},
		{what: "running→waiting sync.WaitGroup.Wait", since: "go1.24"},
	}},
	{"timers", "go1.18", []move{{what: "running→waiting sleep"}}},
	{"tcp", "go1.18", []move{{what: "running→waiting IO wait"}}},
	{"http", "go1.18", []move{{what: "running→waiting IO wait"}}},
	{"files", "go1.18", []move{{what: "running→syscall "}, {what: "syscall→running "}}},
	{"syscalls", "go1.18", []move{{what: "running→syscall "}, {what: "syscall→runnable ", since: "go1.22", procs: 1}}},
	{"yield", "go1.18", []move{{what: "running→runnable runtime.Gosched"}}},
	{"preempt", "go1.18", []move{{what: "running→runnable preempted"}}},
	{"locked", "go1.18", []move{{what: "running→runnable runtime.Gosched"}}},
	{"coro", "go1.23", []move{
		{what: "running→waiting coroutine"}, {what: "waiting→running "}, {what: "notexist→waiting "},
	}},
	{"gc", "go1.18", []move{
		{what: "running→waiting GC worker (idle)"}, {what: "running→waiting finalizer wait"},
		{what: "range GC mark assist", since: "go1.22"},
		{what: "range GC concurrent mark phase", since: "go1.22"},
	}},
	{"stw", "go1.18", []move{
		{what: "running→waiting sleep"}, {what: "range stop-the-world (GOMAXPROCS)", since: "go1.22"},
		{what: "range stop-the-world (read mem stats)", since: "go1.22"},
		{what: "range stop-the-world (all goroutines stack trace)", since: "go1.22"},
	}},
	{"cgo", "go1.18", []move{
		{what: "notexist→syscall ", since: "go1.22"}, {what: "syscall→notexist ", since: "go1.22"},
		{what: "syscall→running "},
	}},
	{"panics", "go1.18", []move{{what: "running→notexist "}}},
	{"many", "go1.18", []move{{what: "running→waiting chan receive"}}},
	{"synctest", "go1.25", []move{
		{what: "running→waiting synctest.Run"}, {what: "running→waiting synctest.Wait"}, {what: "notexist→runnable "},
	}},
}

// lacks says which moves a cell should have shown and did not.
func lacks(cell Cell, r *Report) (lacking []string) {
	for _, p := range programs {
		if p.name != cell.Program.Name {
			continue
		}
		for _, m := range p.shows {
			old := m.since != "" && !testenv.AtLeast(cell.Program.Toolchain, m.since)
			otherProcs := m.procs != 0 && !slices.Contains(cell.Procs, m.procs)
			if !old && !otherProcs && r.Met[m.what] == 0 {
				lacking = append(lacking, fmt.Sprintf("%q never happened", m.what))
			}
		}
	}
	return lacking
}

// modesOf are the build modes that a toolchain's programs are built in.
func modesOf(toolchain string) []testenv.Mode {
	switch {
	case !testenv.AtLeast(toolchain, "go1.22"):
		return []testenv.Mode{testenv.Plain}
	case slices.Contains(testenv.Newest(2), toolchain):
		return []testenv.Mode{testenv.Plain, testenv.Stripped, testenv.PIE, testenv.Cgo, testenv.PGO}
	}
	return []testenv.Mode{testenv.Plain, testenv.Stripped}
}

// allProcs are the values of GOMAXPROCS that programs run with.
var allProcs = []int{1, 2, 8}

// fullMatrix is every program in every mode of every toolchain.
func fullMatrix() []Cell {
	var cells []Cell
	for _, toolchain := range testenv.Newest(len(testenv.Toolchains)) {
		for _, mode := range modesOf(toolchain) {
			for _, p := range programs {
				if testenv.AtLeast(toolchain, p.since) {
					program := testenv.Program{Name: p.name, Toolchain: toolchain, Mode: mode}
					cells = append(cells, Cell{program, allProcs})
				}
			}
		}
	}
	return append(cells, experiments(allProcs)...)
}

// experiments are programs of the two newest toolchains with locks in the runtime that know their
// rank: a build that is unlike all others in the code around the scheduler's moves, stripped.
func experiments(procs []int) []Cell {
	var cells []Cell
	for i, name := range []string{"locks", "channels"} {
		p := testenv.Program{Name: name, Toolchain: testenv.Newest(2)[i], Mode: testenv.Stripped}
		p.Env = []string{"GOEXPERIMENT=staticlockranking"}
		cells = append(cells, Cell{p, procs})
	}
	return cells
}

// selection is a part of the matrix that takes a few minutes: of the two newest toolchains every
// program, the newest plain and the other stripped, with one number of Ps each in turn, six
// programs in the other modes, and two experiments.
func selection() []Cell {
	var cells []Cell
	newest := testenv.Newest(2)
	for i, p := range programs {
		for j, mode := range []testenv.Mode{testenv.Plain, testenv.Stripped} {
			program := testenv.Program{Name: p.name, Toolchain: newest[j], Mode: mode}
			cells = append(cells, Cell{program, []int{allProcs[(i+j)%len(allProcs)]}})
		}
	}
	for i, c := range []testenv.Program{
		{Name: "syscalls", Mode: testenv.PIE, Toolchain: newest[0]}, {Name: "gc", Mode: testenv.PIE,
			Toolchain: newest[1]},
		{Name: "http", Mode: testenv.Cgo, Toolchain: newest[0]}, {Name: "cgo", Mode: testenv.Cgo, Toolchain: newest[1]},
		{Name: "channels", Mode: testenv.PGO, Toolchain: newest[0]}, {Name: "yield", Mode: testenv.PGO,
			Toolchain: newest[1]},
	} {
		cells = append(cells, Cell{c, []int{allProcs[i%len(allProcs)]}})
	}
	return append(cells, experiments(allProcs[1:2])...)
}

// guestCells are the programs that are compared on other kernels and processors: of the newest
// toolchain, one for each way to move, with two Ps. C is linked in, for a guest has no libraries.
func guestCells() []Cell {
	var cells []Cell
	for _, name := range []string{
		"channels", "selects", "locks", "timers", "tcp", "files", "syscalls", "yield", "preempt", "coro", "gc", "stw",
		"cgo", "panics",
	} {
		program := testenv.Program{Name: name, Toolchain: testenv.Newest(1)[0], Mode: testenv.Plain}
		if name == "cgo" {
			program.Mode = testenv.Static
		}
		cells = append(cells, Cell{program, []int{2}})
	}
	return cells
}
