package referee

import "github.com/gosched/gosched/internal/testenv"

// programs are the programs of testdata/progs and the first Go version that each needs.
var programs = []struct{ name, since string }{
	{"channels", "go1.18"},
	{"selects", "go1.18"},
	{"locks", "go1.18"},
	{"timers", "go1.18"},
	{"tcp", "go1.18"},
	{"http", "go1.18"},
	{"files", "go1.18"},
	{"syscalls", "go1.18"},
	{"yield", "go1.18"},
	{"preempt", "go1.18"},
	{"locked", "go1.18"},
	{"coro", "go1.23"},
	{"gc", "go1.18"},
	{"stw", "go1.18"},
	{"cgo", "go1.18"},
	{"panics", "go1.18"},
	{"many", "go1.18"},
}

// modesOf are the build modes that a toolchain's programs are built in.
func modesOf(toolchain string) []testenv.Mode {
	modes := []testenv.Mode{testenv.Plain, testenv.Stripped}
	for _, t := range testenv.Newest(2) {
		if t == toolchain {
			modes = append(modes, testenv.PIE, testenv.Cgo, testenv.PGO)
		}
	}
	return modes
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
	return cells
}

// selection is a part of the matrix that takes a few minutes: of the two newest toolchains every program, the newest
// plain and the other stripped, with one number of Ps each in turn, and three programs in the other modes.
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
		{Name: "syscalls", Mode: testenv.PIE}, {Name: "http", Mode: testenv.Cgo}, {Name: "channels", Mode: testenv.PGO},
	} {
		for _, toolchain := range newest {
			c.Toolchain = toolchain
			cells = append(cells, Cell{c, []int{allProcs[i%len(allProcs)]}})
		}
	}
	return cells
}
