package record_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/target"
)

// judge knows from a program's instructions which functions call each other.
type judge struct {
	proc   *target.Process
	binary *gobin.Binary
	known  map[[2]uint64]bool
}

// calls says whether the function with a pc can have been called by the call that returns to ret.
func (j *judge) calls(ret, pc uint64) bool {
	callee, ok := j.binary.FuncAt(pc)
	if !ok {
		return false
	}
	key := [2]uint64{ret, callee.Entry}
	can, known := j.known[key]
	if !known {
		can = j.calledBy(ret, callee)
		j.known[key] = can
	}
	return can
}

func (j *judge) calledBy(ret uint64, callee gobin.Func) bool {
	caller, ok := j.binary.FuncAt(ret - 1)
	if !ok {
		return false
	}
	// The runtime puts this call onto the stack of a goroutine that a signal interrupts.
	if callee.Name == "runtime.asyncPreempt" {
		return true
	}
	code := j.code(caller.Entry, ret)
	to, direct := calls(code, ret)
	switch {
	case to == 0 && !direct:
		return ret == caller.Entry+1 // the bottom: goexit+1 called nobody
	case !direct || to == callee.Entry:
		return true
	}
	between, ok := j.binary.FuncAt(to)
	return ok && j.jumpsTo(between, callee, 0)
}

// code are the bytes of instructions.
func (j *judge) code(from, to uint64) []byte {
	code := make([]byte, to-from)
	if _, err := j.proc.ReadAt(code, int64(from)); err != nil {
		return nil
	}
	return code
}

// calls is whom the instruction calls that code ends with, at an address: 0 and not direct: nobody.
func calls(code []byte, end uint64) (to uint64, direct bool) {
	n := len(code)
	if n >= 5 && code[n-5] == 0xe8 {
		return end + uint64(int32(binary.LittleEndian.Uint32(code[n-4:]))), true
	}
	for _, size := range []int{2, 3, 4, 6, 7} { // CALL of a register or a word of memory
		if n >= size && code[n-size] == 0xff && code[n-size+1]>>3&7 == 2 {
			return 1, false
		}
	}
	return 0, false
}

// jumpsTo says whether a function leaves by a jump to another, or to where nobody can tell.
func (j *judge) jumpsTo(f, callee gobin.Func, depth int) bool {
	code := j.code(f.Entry, f.End)
	for at := range code {
		if at+2 <= len(code) && code[at] == 0xff && code[at+1]&0xf8 == 0xe0 { // JMP of a register
			return true
		}
		if at+5 > len(code) || code[at] != 0xe9 {
			continue
		}
		to := f.Entry + uint64(at+5) + uint64(int32(binary.LittleEndian.Uint32(code[at+1:])))
		next, ok := j.binary.FuncAt(to)
		if to == callee.Entry || ok && to == next.Entry && depth < 3 && next != f && j.jumpsTo(next, callee, depth+1) {
			return true
		}
	}
	return false
}

// impossible is where a stack's frames do not call each other; 0: they do. A signal may interrupt a
// function before it has its frame or after, whose caller is then left out.
func (j *judge) impossible(s *snapshot.Stack) int {
	pcs := s.PCs
	if s.HasWord && (len(pcs) < 3 || j.calls(pcs[2], pcs[0])) {
		pcs = append([]uint64{pcs[0]}, pcs[2:]...)
	}
	interrupted := false
	for i := 1; i < len(pcs); i++ {
		here := interrupted
		interrupted = j.name(pcs[i-1]) == "runtime.asyncPreempt"
		if !here && !j.calls(pcs[i], pcs[i-1]) {
			return i
		}
	}
	return 0
}

func (j *judge) name(pc uint64) string {
	f, _ := j.binary.FuncAt(pc)
	return f.Name
}

func (j *judge) text(s *snapshot.Stack) (text string) {
	for _, pc := range s.PCs {
		f, _ := j.binary.FuncAt(pc)
		text += fmt.Sprintf("\n\t%s+%#x", f.Name, pc-f.Entry)
	}
	return text
}

// TestNoStackIsOfSeveralMoments reads the goroutines of a server with more work than CPUs in rounds, as
// fast as it can, so that they move while they are read, and has the program's instructions judge
// every stack: each frame's function was called by the one above it.
func TestNoStackIsOfSeveralMoments(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("judges instructions of amd64")
	}
	lasts := 3 * time.Second
	if d, err := time.ParseDuration(os.Getenv("GOSCHED_TORN_FOR")); err == nil {
		lasts = d
	}
	for _, toolchain := range []string{"go1.24.13", ""} {
		t.Run("Go "+toolchain, func(t *testing.T) {
			if toolchain != "" {
				testenv.NeedToolchain(t, toolchain)
			}
			readTorn(t, testenv.Program{Name: "service", Toolchain: toolchain}, lasts)
		})
	}
}

// readTorn reads a program in rounds and has every stack judged.
func readTorn(t *testing.T, program testenv.Program, lasts time.Duration) {
	t.Helper()
	rounds, j := judged(t, program)
	stacks, unknown, unchanged, wrong := 0, 0, 0, 0
	take := func(gs []snapshot.Goroutine) {
		for i := range gs {
			g := &gs[i]
			switch {
			case g.Unchanged:
				unchanged++
			case len(g.Stack.PCs) > 0:
				stacks++
				if at := j.impossible(&g.Stack); at > 0 {
					wrong++
					t.Errorf("%v, at frame %d (word: %v):%s", g.State(), at, g.Stack.HasWord, j.text(&g.Stack))
				}
			case g.State() != format.StateRunning:
				unknown++
			}
		}
	}
	for end := time.Now().Add(lasts); time.Now().Before(end) && wrong < 8; {
		if _, err := rounds.Places(); err != nil {
			t.Fatal(err)
		}
		if _, err := rounds.Read(0, 1, take); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d stacks, %d of them impossible; %d that moved while they were read, %d as they were", stacks, wrong,
		unknown, unchanged)
	if stacks < 1000 {
		t.Errorf("only %d stacks were read", stacks)
	}
}

// judged starts a program, to be read in rounds.
func judged(t *testing.T, program testenv.Program) (*snapshot.Rounds, *judge) {
	t.Helper()
	run := testenv.Start(t, exec.Command(testenv.Build(t, program), "-clients=24"))
	run.Ask(t, "")
	proc, err := target.Open(run.PID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	found, err := image.Find(proc)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := snapshot.NewReader(snapshot.Source{
		Memory: proc, Binary: found.Binary, Bias: found.Bias, Code: found.Binary,
		Now:     func() int64 { return time.Now().UnixNano() },
		Threads: func() (map[int32]int32, error) { return map[int32]int32{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return reader.Rounds(), &judge{proc: proc, binary: found.Binary, known: map[[2]uint64]bool{}}
}
