package kernel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// Fallbacks are those that the loaded programs use.
func (p *Probes) Fallbacks() []fallback.Fallback {
	in := map[string]bool{
		fallback.PerfUprobes: !p.multi, fallback.LegacyPrograms: p.legacy,
		fallback.PreemptiblePrograms: !p.danger.Guarded, fallback.SharedStacks: p.danger.Possible(),
	}
	return slices.DeleteFunc(slices.Clone(fallback.All), func(f fallback.Fallback) bool { return !in[f.Name] })
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
	if _, err := btf.LoadKernelSpec(); err != nil {
		return fmt.Errorf("%w: the kernel's BTF in /sys/kernel/btf/vmlinux cannot be read: %w", ErrUnsupported, err)
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
