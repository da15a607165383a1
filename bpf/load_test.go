package bpf

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"

	"github.com/gosched/gosched/internal/testenv"
)

// maxVerified is how many instructions the kernel may have to walk through to accept a program. It
// gives up at a million, and every recording waits for it.
const maxVerified = 50_000

// maxStack is how much stack a chain of calls may need. Kernels before 6.13 refuse more than 512.
const maxStack = 400

// variants are the objects, and what loads each.
var variants = []struct {
	name string
	load func() (*ebpf.CollectionSpec, error)
}{
	{"modern", LoadGosched},
	{"legacy", LoadGoschedLegacy},
}

// TestProgramsAreEasyToVerify loads the programs, which are the same for every build of a program,
// and reads from the verifier's log how many instructions it walked through and how much stack each
// function needs. Of two variants a kernel may refuse one: the modern one before Linux 5.17, the
// legacy one from 6.10 to 6.14, which let no global function be called where preemption is off.
func TestProgramsAreEasyToVerify(t *testing.T) {
	testenv.RequireBPF(t)
	loaded := 0
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			spec, err := v.load()
			if err != nil {
				t.Fatal(err)
			}
			c := loadSpec(t, spec)
			loaded++
			for name, p := range c.Programs {
				n, stack := verified(t, p.VerifierLog), worstStack(t, spec.Programs[name].Instructions, p.VerifierLog)
				t.Logf("%s: %d instructions verified, %d bytes of stack", name, n, stack)
				if n > maxVerified {
					t.Errorf("%s: %d instructions verified, more than %d", name, n, maxVerified)
				}
				if stack > maxStack {
					t.Errorf("%s: a chain of calls needs %d bytes of stack, more than %d", name, stack, maxStack)
				}
			}
		})
	}
	if loaded == 0 {
		t.Error("the kernel takes neither variant")
	}
}

func loadSpec(t *testing.T, spec *ebpf.CollectionSpec) *ebpf.Collection {
	t.Helper()
	if err := spec.Variables[GoschedVarStackDepth].Set(uint32(64)); err != nil {
		t.Fatal(err)
	}
	if err := spec.Variables[GoschedVarCpuCount].Set(uint32(64)); err != nil {
		t.Fatal(err)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}}
	c, err := ebpf.NewCollectionWithOptions(spec, opts)
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		testenv.Lacking(t, fmt.Sprintf("the kernel refuses the programs: %+v", refused))
	}
	if err != nil {
		testenv.Lacking(t, fmt.Sprintf("the kernel refuses the programs: %v", err))
	}
	t.Cleanup(c.Close)
	return c
}

// verified is how many instructions the verifier walked through.
func verified(t *testing.T, log string) int {
	t.Helper()
	m := regexp.MustCompile(`processed (\d+) insns`).FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("the verifier does not say what it did: %q", log)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// worstStack is how much stack the deepest chain of calls needs, as kernels count it that round
// each function's up to 32 bytes (Linux 5.10 kernel/bpf/verifier.c, check_max_stack_depth).
func worstStack(t *testing.T, insns asm.Instructions, log string) int {
	t.Helper()
	m := regexp.MustCompile(`stack depth ([\d+]+)`).FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("the verifier does not say how much stack the functions need: %q", log)
	}
	depths := strings.Split(m[1], "+")
	own, calls := map[string]int{}, map[string][]string{}
	function, n := "", 0
	for i := range insns {
		if name := insns[i].Symbol(); name != "" && (i == 0 || isFunction(insns, name)) {
			if n == len(depths) {
				t.Fatalf("the verifier knows %d functions, the program has more", n)
			}
			depth, err := strconv.Atoi(depths[n])
			if err != nil {
				t.Fatal(err)
			}
			function, n = name, n+1
			own[function] = (max(depth, 1) + 31) / 32 * 32
		}
		if insns[i].IsFunctionReference() {
			calls[function] = append(calls[function], insns[i].Reference())
		}
	}
	if n != len(depths) {
		t.Fatalf("the verifier knows %d functions, the program has %d", len(depths), n)
	}
	return deepest(insns[0].Symbol(), own, calls)
}

// isFunction says whether something calls a symbol, or takes its address.
func isFunction(insns asm.Instructions, name string) bool {
	for i := range insns {
		if insns[i].IsFunctionReference() && insns[i].Reference() == name {
			return true
		}
	}
	return false
}

func deepest(function string, own map[string]int, calls map[string][]string) int {
	below := 0
	for _, callee := range calls[function] {
		below = max(below, deepest(callee, own, calls))
	}
	return own[function] + below
}
