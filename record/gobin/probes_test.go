package gobin

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin/internal/insn"
)

// wantOps are the observations that every build has, with their function in builds without
// profile-guided optimisation.
var wantOps = map[Op]string{
	OpCreate: "runtime.newproc.func1", OpPark: "runtime.park_m", OpReady: "runtime.ready",
	OpInject: "runtime.injectglist", OpRun: "runtime.execute",
	OpYield: "runtime.goschedImpl", OpGoyield: "runtime.goyield_m", OpPreemptPark: "runtime.preemptPark",
	OpExit:         "runtime.goexit0",
	OpSyscallEnter: "runtime.reentersyscall", OpSyscallBlock: "runtime.entersyscallblock",
	OpSyscallExit: "runtime.exitsyscall",
	OpNeedM:       "runtime.needm", OpDropM: "runtime.dropm", OpGCStart: "runtime.gcBgMarkStartWorkers",
	OpGCEnd:    "runtime.gcMarkTermination",
	OpSTWBegin: "runtime.stopTheWorldWithSema", OpSTWEnd: "runtime.startTheWorldWithSema",
}

// TestProbesAreComplete checks that every transition has exactly its probe.
func TestProbesAreComplete(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, b build, bin *Binary, _ string) {
		probes, coverage, err := bin.Probes()
		if err != nil {
			t.Fatal(err)
		}
		want := map[Op]string{OpSyscallNoP: "runtime.exitsyscallNoP"}
		for op, fn := range wantOps {
			want[op] = fn
		}
		if b.minor(t) < 26 {
			want[OpSyscallNoP] = "runtime.exitsyscall0"
		}
		if b.minor(t) >= 23 {
			want[OpCoroSwitch], want[OpCreateCoro] = "runtime.coroswitch_m", "runtime.newcoro.func1"
		}
		for _, p := range probes {
			if p.Op == OpCreate && p.Func == "runtime.debugCallWrap.func1" {
				continue // beside newproc's
			}
			if want[p.Op] != p.Func {
				t.Errorf("probe %d is in %s, want %q", p.Op, p.Func, want[p.Op])
			}
			delete(want, p.Op)
		}
		for op, fn := range want {
			t.Errorf("no probe %d in %s", op, fn)
		}
		for _, c := range coverage {
			absent := c.Transition == format.TransitionCoroutines && b.minor(t) < 23 ||
				c.Transition == format.TransitionCgo && !modes[b.mode].cgo
			if !c.Covered || (c.Why != "") != absent {
				t.Errorf("coverage: %+v", c)
			}
		}
	})
}

// TestProbesSitOnInstructions decodes each probed function from its symbol with another decoder and
// compares everything that a probe claims.
func TestProbesSitOnInstructions(t *testing.T) {
	eachBuild(t, nil, func(t *testing.T, b build, bin *Binary, path string) {
		checkProbes(t, bin, path)
	})
}

// checkProbes compares the probes of an executable with its file.
func checkProbes(t *testing.T, bin *Binary, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	probes, _, err := bin.Probes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range probes {
		name := fmt.Sprintf("%d %s+%#x %s", p.Op, p.Func, p.FuncOffset, p.Insn)
		if !bytes.Equal(file[p.FileOffset:][:len(p.Bytes)], p.Bytes) {
			t.Errorf("%s: % x is not at file offset %#x", name, p.Bytes, p.FileOffset)
		}
		f, ok := bin.Func(p.Func)
		if !ok || f.Entry+p.FuncOffset != p.Addr {
			t.Errorf("%s: address %#x, function at %#x", name, p.Addr, f.Entry)
		}
		entry := file[p.FileOffset-p.FuncOffset:]
		if !boundary(bin.Arch, entry, p) {
			t.Errorf("%s is not at the beginning of an instruction", name)
		}
		if got := emulated(bin.Arch, p.Bytes); got != p.Emulated {
			t.Errorf("%s: emulated is %v", name, p.Emulated)
		}
		if delta := depth(bin.Arch, entry[:p.FuncOffset]); delta != int(p.SPDelta) {
			t.Errorf("%s: SP is %#x below its value at entry, said to be %#x", name, delta, p.SPDelta)
		}
		if p.Framed != (p.SPDelta > 0) {
			t.Errorf("%s: framed is %v with SP %#x below", name, p.Framed, p.SPDelta)
		}
	}
}

// boundary decodes a function's code up to the probe.
func boundary(arch string, code []byte, p Probe) bool {
	if arch == "arm64" {
		_, err := arm64asm.Decode(code[p.FuncOffset:])
		return p.FuncOffset%4 == 0 && len(p.Bytes) == 4 && err == nil
	}
	for at := uint64(0); at <= p.FuncOffset; {
		i, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			return false
		}
		if at == p.FuncOffset {
			return i.Len == len(p.Bytes)
		}
		at += uint64(i.Len)
	}
	return false
}

// emulated says by its bytes whether the kernel emulates an instruction.
func emulated(arch string, b []byte) bool {
	if arch == "arm64" {
		i, err := arm64asm.Decode(b)
		return err == nil && slices.Contains([]arm64asm.Op{arm64asm.B, arm64asm.BL, arm64asm.CBZ, arm64asm.CBNZ,
			arm64asm.TBZ, arm64asm.TBNZ,
			arm64asm.ADR, arm64asm.ADRP}, i.Op)
	}
	switch {
	case len(b) == 1:
		return b[0] >= 0x50 && b[0] <= 0x57 || b[0] == 0x90
	case len(b) == 2:
		return b[0] >= 0x70 && b[0] <= 0x7f || b[0] == 0xeb
	case len(b) == 5:
		return b[0] == 0xe8 || b[0] == 0xe9
	case len(b) == 6:
		return b[0] == 0x0f && b[1]&0xf0 == 0x80
	}
	return false
}

// depth counts by how much the text of the instructions says that SP went down.
func depth(arch string, code []byte) int {
	down := 0
	for at := 0; at < len(code); {
		var text string
		if arch == "arm64" {
			if i, err := arm64asm.Decode(code[at:]); err == nil {
				text = arm64asm.GoSyntax(i, 0, nil, nil)
			}
			at += 4
		} else {
			i, err := x86asm.Decode(code[at:], 64)
			if err != nil {
				return -1
			}
			text = x86asm.GoSyntax(i, 0, nil)
			at += i.Len
		}
		n, rest := 0, text
		switch {
		case strings.HasPrefix(text, "PUSHQ"):
			n = 8
		case strings.HasPrefix(text, "SUBQ $") && strings.HasSuffix(text, ", SP"):
			fmt.Sscanf(rest, "SUBQ $0x%x,", &n)
		case strings.HasPrefix(text, "ADDQ $-") && strings.HasSuffix(text, ", SP"):
			fmt.Sscanf(rest, "ADDQ $-0x%x,", &n)
		case strings.HasPrefix(text, "MOVD.W R30, -"):
			fmt.Sscanf(rest, "MOVD.W R30, -%d(RSP)", &n)
		case strings.HasPrefix(text, "SUB $") && strings.HasSuffix(text, ", RSP, RSP"),
			strings.HasPrefix(text, "SUB $") && strings.HasSuffix(text, ", RSP, R20"),
			strings.HasPrefix(text, "SUB $") && strings.HasSuffix(text, ", RSP, R27"):
			fmt.Sscanf(rest, "SUB $%d,", &n)
		}
		down += n
	}
	return down
}

// TestCallProbes checks that probes at calls are at calls of what they should be.
func TestCallProbes(t *testing.T) {
	callees := map[Op]string{OpNeedM: "runtime.casgstatus", OpDropM: "runtime.casgstatus"}
	eachBuild(t, withSymbols, func(t *testing.T, _ build, bin *Binary, path string) {
		syms := symbols(t, path)
		probes, _, err := bin.Probes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range probes {
			want := callees[p.Op]
			if p.Op == OpCreate && p.Func != "runtime.debugCallWrap.func1" {
				want = "runtime.runqput"
			}
			if want == "" {
				continue
			}
			i := insn.Decode(bin.isa, p.Bytes, p.Addr)[0]
			if !slices.ContainsFunc(syms[want], func(s elf.Symbol) bool { return s.Value == i.Target }) {
				t.Errorf("probe %d in %s calls %#x, want %s", p.Op, p.Func, i.Target, want)
			}
		}
	})
}

// TestStrippingChangesNothing compares the probes of plain and stripped builds.
func TestStrippingChangesNothing(t *testing.T) {
	shape := func(mode string) (out []string) {
		bin, err := Open(build{toolchain: local, arch: "amd64", mode: mode}.make(t))
		if err != nil {
			t.Fatal(err)
		}
		defer bin.Close()
		probes, _, err := bin.Probes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range probes {
			out = append(out, fmt.Sprint(p.Op, p.Func, p.FuncOffset, p.Arg, p.Framed, p.SPDelta, p.Emulated))
		}
		return out
	}
	if plain, stripped := shape("plain"), shape("stripped"); !slices.Equal(plain, stripped) {
		t.Errorf("plain\n%q\nstripped\n%q", plain, stripped)
	}
}

// TestProfileGuided looks at programs that were built with a profile of themselves, so that the
// compiler inlined parts of the scheduler: nothing may be lost.
func TestProfileGuided(t *testing.T) {
	builds := []build{{toolchain: local, arch: "amd64", mode: "pgo", prog: "pgo"}}
	if full {
		builds = nil
		for _, v := range toolchains[5:] {
			for _, arch := range []string{"amd64", "arm64"} {
				builds = append(builds, build{toolchain: v, arch: arch, mode: "pgo", prog: "pgo"})
			}
		}
	}
	for _, b := range builds {
		t.Run(b.String(), func(t *testing.T) {
			path := b.make(t)
			bin, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer bin.Close()
			checkProbes(t, bin, path)
			if len(bin.inlined("runtime.casgstatus")) < 2 {
				t.Errorf("casgstatus was inlined at %d places: the profile does not do what it is for",
					len(bin.inlined("runtime.casgstatus")))
			}
			checkEveryTree(t, bin)
			probes, coverage, err := bin.Probes()
			if err != nil {
				t.Fatal(err)
			}
			has := map[Op]bool{}
			for _, p := range probes {
				has[p.Op] = true
			}
			for op := range wantOps {
				if !has[op] {
					t.Errorf("no probe %d", op)
				}
			}
			for _, c := range coverage {
				if !c.Covered {
					t.Errorf("not covered: %+v", c)
				}
			}
		})
	}
}
