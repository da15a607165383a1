package record

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/target"
)

// The names of the fall-backs.
const (
	FallbackPerfUprobes = "perf-uprobes"
	FallbackLegacy      = "legacy-programs"
	FallbackPreemptible = "preemptible-programs"
)

// Fallback is what recording does where the kernel lacks something that it would rather have.
type Fallback struct {
	Name  string
	Lacks string // what the kernel lacks
	Does  string // what is done instead
	Force bool   // it can be asked for where it is not needed
}

// Fallbacks are all of them.
var Fallbacks = []Fallback{
	{
		FallbackPerfUprobes, "uprobe_multi that filters by process (Linux 6.10)",
		"probes are attached one by one", true,
	},
	{
		FallbackLegacy, "attach cookies (Linux 5.15), task storage (5.11) or bpf_loop (5.17)",
		"probe points are known by their addresses, threads by their ids; of a list of more than 1,024 goroutines " +
			"that are made ready at once the rest is lost, and counted as one event", true,
	},
	{ // from Linux 6.13 on programs that can be preempted would share a stack: it is never asked for there
		FallbackPreemptible, "bpf_preempt_disable (Linux 6.10)",
		"where more than 4 threads are preempted inside a probe on one CPU, the next one's event is lost, and counted",
		false,
	},
}

// checkFallbacks finds names that are no fall-back's.
func checkFallbacks(names []string) error {
	var known []string
	for _, f := range Fallbacks {
		if f.Force {
			known = append(known, f.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no fall-back that can be asked for is called %q: there are %s", name,
				strings.Join(known, ", "))
		}
	}
	return nil
}

// Kernel says what the running kernel can do for a recording.
type Kernel struct {
	Fallbacks []Fallback // those that are needed here
}

// ProbeKernel finds out what the running kernel can do, by loading the programs. The error says why
// nothing can be recorded.
func ProbeKernel() (Kernel, error) {
	p, err := load(programConfig{stackDepth: DefaultStackDepth, kernel: true})
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Fallbacks: p.fallbacks()}
	return k, errors.Join(p.close(), probeNumbers())
}

// fallbacks are those that the loaded programs use.
func (p *probes) fallbacks() []Fallback {
	in := map[string]bool{
		FallbackPerfUprobes: !p.multi, FallbackLegacy: p.legacy, FallbackPreemptible: !haveKfunc("bpf_preempt_disable"),
	}
	return slices.DeleteFunc(slices.Clone(Fallbacks), func(f Fallback) bool { return !in[f.Name] })
}

// haveKfunc says whether the kernel has a function that programs may call.
func haveKfunc(name string) bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var fn *btf.Func
	return spec.TypeByName(name, &fn) == nil
}

// missing says what the kernel lacks that nothing can replace, if that is why it took neither
// variant of the programs.
func missing(err error) error {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return fmt.Errorf("%w: recording is for amd64 and arm64", ErrUnsupported)
	}
	if _, statErr := os.Stat("/sys/kernel/btf/vmlinux"); statErr != nil {
		return fmt.Errorf("%w: the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)", ErrUnsupported)
	}
	if have := features.HaveMapType(ebpf.RingBuf); errors.Is(have, ebpf.ErrNotSupported) {
		return fmt.Errorf("%w: no BPF ring buffers (Linux 5.8): %w", ErrUnsupported, have)
	}
	return err
}

// forbidden says whether the kernel does not let this process load programs at all. The verifier
// says EACCES too, of programs that it does not like.
func forbidden(err error) bool {
	var verifier *ebpf.VerifierError
	return !errors.As(err, &verifier) && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES))
}

// explain adds what a kernel's refusal usually means.
func explain(err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case forbidden(err):
		return fmt.Errorf("%w: %w", target.Refused("recording", err, target.CapBPF, target.CapPerfmon), err)
	case errors.Is(err, ebpf.ErrNotSupported), errors.As(err, &verifier):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}
