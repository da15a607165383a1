package gobin

import (
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// stack is one that the test program printed.
type stack struct {
	where  string
	pcs    []uint64
	frames []string
}

// output is what the test program printed.
type output struct {
	main   uint64 // the address of main.main
	mapped []string
	stacks []stack
}

// run executes the program.
func run(t *testing.T, path string) output {
	t.Helper()
	text, err := exec.Command(path).Output()
	if err != nil {
		t.Fatalf("run %s: %v", path, err)
	}
	var out output
	for _, line := range strings.Split(string(text), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "main":
			out.main = hex(t, rest)
		case "stack":
			out.stacks = append(out.stacks, stack{where: rest})
		case "pc":
			s := &out.stacks[len(out.stacks)-1]
			s.pcs = append(s.pcs, hex(t, rest))
		case "frame":
			s := &out.stacks[len(out.stacks)-1]
			s.frames = append(s.frames, rest)
		default:
			out.mapped = append(out.mapped, line)
		}
	}
	return out
}

func hex(t *testing.T, s string) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (f Frame) String() string { return fmt.Sprintf("%s %s:%d", f.Func, f.File, f.Line) }

// TestFrames compares frames with those that the program itself gets from runtime.CallersFrames.
func TestFrames(t *testing.T) {
	runs := func(b build) bool { return b.arch == runtime.GOARCH }
	eachBuild(t, runs, func(t *testing.T, b build, bin *Binary, path string) {
		out := run(t, path)
		bias := out.bias(t, bin, path)
		if len(out.stacks) < 12 {
			t.Fatalf("the program printed %d stacks", len(out.stacks))
		}
		for _, s := range out.stacks {
			checkStack(t, bin, s, bias)
		}
	})
}

// checkStack compares one stack. The program's pcs are of logical frames: every inlined call has
// one. The first of those that share a function is a real return address and must give all of them.
func checkStack(t *testing.T, bin *Binary, s stack, bias uint64) {
	t.Helper()
	var real []uint64
	for i := 0; i < len(s.pcs); {
		got := bin.CallFrames(s.pcs[i] - bias)
		if len(got) == 0 {
			t.Errorf("%s: no frame for pc %#x", s.where, s.pcs[i])
			return
		}
		real = append(real, s.pcs[i]-bias)
		i += len(got)
	}
	got := bin.AppendStack(nil, real, false)
	for i, f := range got {
		if i >= len(s.frames) || f.String() != s.frames[i] {
			t.Errorf("%s: frame %d is %s, want %s", s.where, i, f, strings.Join(s.frames, "\n"))
			return
		}
	}
	if len(got) != len(s.frames) {
		t.Errorf("%s: %d frames, want %d", s.where, len(got), len(s.frames))
	}
}

// bias finds the load bias from the executable mapping, as a recorder does, and compares it with
// where main is.
func (o output) bias(t *testing.T, bin *Binary, path string) uint64 {
	t.Helper()
	main, ok := bin.Func("main.main")
	if !ok {
		t.Fatal("no main.main")
	}
	for _, line := range o.mapped {
		f := strings.Fields(line)
		if len(f) < 6 || f[5] != path || f[1] != "r-xp" {
			continue
		}
		start, _, _ := strings.Cut(f[0], "-")
		bias, err := bin.LoadBias(hex(t, start), hex(t, f[2]))
		if err != nil {
			t.Fatal(err)
		}
		if bias != o.main-main.Entry {
			t.Fatalf("bias %#x by the mapping, %#x by main.main", bias, o.main-main.Entry)
		}
		return bias
	}
	t.Fatalf("no executable mapping of %s in\n%s", path, strings.Join(o.mapped, "\n"))
	return 0
}

// TestWrappersAreLeftOut looks at a method that the compiler made to take a pointer.
func TestWrappersAreLeftOut(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, _ build, bin *Binary, _ string) {
		wrapper, ok1 := bin.Func("main.(*inner).draw")
		gopanic, ok2 := bin.Func("runtime.gopanic")
		plain, ok3 := bin.Func("main.indirect")
		if !ok1 || !ok2 || !ok3 {
			t.Fatal("functions not found")
		}
		in, after, from := wrapper.End-1, gopanic.Entry+64, plain.Entry+16
		for _, f := range bin.Frames(in) {
			if f.Func == "main.(*inner).draw" {
				t.Errorf("the wrapper is in the frames of its pc: %v", f)
			}
		}
		calledPlain := bin.AppendStack(nil, []uint64{from, in}, true)
		calledPanic := bin.AppendStack(nil, []uint64{after, in}, true)
		if got := calledPlain[len(calledPlain)-1].Func; got != "main.indirect" {
			t.Errorf("outermost frame %s, want main.indirect", got)
		}
		if got := calledPanic[len(calledPanic)-1].Func; got != "main.(*inner).draw" {
			t.Errorf("a wrapper that called gopanic: outermost frame %s", got)
		}
	})
}

// TestFramesAreSafe asks for pcs that are in no function.
func TestFramesAreSafe(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, _ build, bin *Binary, _ string) {
		for _, pc := range []uint64{0, 1, bin.md.minpc - 1, bin.md.maxpc, bin.md.maxpc + 1<<20, 1 << 47, 1<<64 - 1} {
			if got := bin.Frames(pc); got != nil {
				t.Errorf("frames of pc %#x: %v", pc, got)
			}
		}
		for pc := bin.md.minpc; pc < bin.md.maxpc; pc += 509 {
			bin.Frames(pc)
		}
	})
}

func TestPrintedNames(t *testing.T) {
	tests := []struct {
		name  string
		minor int
		want  string
	}{
		{"main.f", 26, "main.f"},
		{"main.f[go.shape.int]", 21, "main.f[...]"},
		{"main.f[...]", 20, "main.f[...]"},
		{"main.(*list[go.shape.[]uint8]).each.func1", 26, "main.(*list[...]).each.func1"},
		{"main.(*list[go.shape.[]uint8]).each.func1", 27, "main.(*list[...]).each.func1"},
		{"main.(*list[go.shape.int]).each[go.shape.[]string].func1", 27, "main.(*list[...]).each[...].func1"},
		{"main.f[a]]b]", 27, "main.f[a]]b]"},
		{"main.]f[", 27, "main.]f["},
	}
	for _, tt := range tests {
		if got := printed(tt.name, tt.minor); got != tt.want {
			t.Errorf("printed(%q, %d) = %q, want %q", tt.name, tt.minor, got, tt.want)
		}
	}
}

// TestStartFrame looks at the function of a go statement with arguments, which the compiler wraps,
// and at others.
func TestStartFrame(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, _ build, bin *Binary, _ string) {
		wrapped := 0
		for i := range int(bin.table.Funcs) {
			f, ok := bin.table.At(i)
			if !ok {
				t.Fatalf("no function %d", i)
			}
			name, _ := bin.table.Name(f)
			frame, ok := bin.StartFrame(f.Entry)
			got := frame.Func
			if _, is := bin.table.Wrapped(f); !is {
				if want := printed(name, bin.Version.Minor); !ok || got != want {
					t.Errorf("start function of %s is %s", name, got)
				}
				continue
			}
			wrapped++
			if !ok || got == printed(name, bin.Version.Minor) || got == "" {
				t.Errorf("start function of the wrapper %s is %q", name, got)
			}
			if strings.HasPrefix(name, "main.main.") && got != "main.signal" && got != "main.outer" &&
				got != "main.list[...].value" {
				t.Errorf("start function of the wrapper %s is %s", name, got)
			}
		}
		if wrapped == 0 {
			t.Error("no wrapper in the program")
		}
	})
}

// TestConcurrentUse calls everything from several goroutines; run with -race.
func TestConcurrentUse(t *testing.T) {
	bin, err := Open(build{toolchain: local, arch: "amd64", mode: "plain"}.make(t))
	if err != nil {
		t.Fatal(err)
	}
	defer bin.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, _, err := bin.Probes(); err != nil {
				t.Error(err)
			}
			if _, err := bin.Layout(); err != nil {
				t.Error(err)
			}
			if _, err := bin.WaitReasons(); err != nil {
				t.Error(err)
			}
			for pc := bin.md.minpc; pc < bin.md.maxpc; pc += 1009 {
				bin.Frames(pc)
			}
		})
	}
	wg.Wait()
}
