package bpf

import (
	"errors"
	"regexp"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/internal/testenv"
)

// maxVerified is how many instructions the kernel may have to walk through to accept the programs. It gives up at a
// million, and every recording waits for it.
const maxVerified = 60_000

// TestProgramsAreEasyToVerify loads the programs as for a process of go1.26.
func TestProgramsAreEasyToVerify(t *testing.T) {
	testenv.RequireBPF(t)
	spec, err := LoadGosched()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		GoschedVarTargetTgid: uint32(1), GoschedVarStackDepth: uint32(64), GoschedVarPreemptedInArg1: true,
		GoschedVarKnowCurrent: true, GoschedVarKnowGoids: true,
		GoschedVarOffsets: GoschedOffsets{
			G_stackHi: 8, G_m: 48, G_schedSp: 56, G_schedPc: 64, G_schedBp: 96, G_goid: 152, G_schedlink: 160,
			G_waitreason: 176, G_coroarg: 384, G_coroexit: 187, M_curg: 184, M_p: 208,
		},
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			t.Fatal(err)
		}
	}
	spec.Programs[GoschedProgTransition].AttachType = ebpf.AttachTraceUprobeMulti
	c, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}})
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		t.Fatalf("%+v", refused)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, p := range c.Programs {
		m := regexp.MustCompile(`processed (\d+) insns`).FindStringSubmatch(p.VerifierLog)
		if m == nil {
			t.Fatalf("%s: the verifier does not say what it did: %q", name, p.VerifierLog)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d instructions verified", name, n)
		if n > maxVerified {
			t.Errorf("%s: %d instructions verified, more than %d", name, n, maxVerified)
		}
	}
}
