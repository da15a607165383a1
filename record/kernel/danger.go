package kernel

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cilium/ebpf/features"

	"github.com/gosched/gosched/record/fallback"
)

// Danger is what is known to go wrong with probes on this kernel. From Linux 6.13 on programs of
// uprobes have one private stack a CPU (a76ab5731e32) although they can be preempted: two that
// share it have made kernels panic. Where the kernel lets them, ours forbid preemption while they
// run, which takes bpf_preempt_disable; where it does not, and it can preempt, recording is refused.
type Danger struct {
	Kernel  uint32 // its version, as in LINUX_VERSION_CODE
	Guarded bool   // programs can forbid preemption
	Model   PreemptionModel
}

// PreemptionModel is how a kernel preempts what runs in it.
type PreemptionModel string

// The models. The first two never preempt a program.
const (
	PreemptNone      PreemptionModel = "none"
	PreemptVoluntary PreemptionModel = "voluntary"
	PreemptLazy      PreemptionModel = "lazy"
	PreemptFull      PreemptionModel = "full"
	PreemptRealTime  PreemptionModel = "real-time"
	PreemptUnknown   PreemptionModel = "unknown"
)

// privateStacks is Linux 6.13 as in LINUX_VERSION_CODE.
const privateStacks = 6<<16 | 13<<8

// Possible says whether programs of probes could preempt each other on a stack that they share; of a
// kernel that does not say how it preempts it is not known, and not said.
func (d Danger) Possible() bool {
	switch d.Model {
	case PreemptLazy, PreemptFull, PreemptRealTime:
		return d.Kernel >= privateStacks && !d.Guarded
	}
	return false
}

// refusal is why such a kernel is not recorded on; nil where there is no danger that is known of.
func (d Danger) refusal() error {
	if !d.Possible() {
		return nil
	}
	return &DangerError{d}
}

// DangerError refuses to record on a kernel that probes are known to harm. It wraps ErrUnsupported.
type DangerError struct{ Danger Danger }

func (e *DangerError) Error() string {
	return fmt.Sprintf("%v: probes could make this kernel panic: since Linux 6.13 their programs share a stack, this "+
		"kernel preempts them (%s), and they cannot forbid it (bpf_preempt_disable)", ErrUnsupported, e.Danger.Model)
}

func (e *DangerError) Unwrap() error { return ErrUnsupported }

// Advice says what can be done.
func (e *DangerError) Advice() string {
	return "Boot with preempt=none, or use gosched record --sample, which takes no probes; --fallback " +
		fallback.SharedStacks + " records in spite of it."
}

// Danger is what is known of the danger of probes on the kernel that the programs are loaded into.
func (p *Probes) Danger() Danger { return p.danger }

// String says what it means for a recording.
func (d Danger) String() string {
	text := "preemption: " + string(d.Model)
	switch {
	case d.Kernel < privateStacks:
		return text + "; programs share no stack before Linux 6.13"
	case d.Guarded:
		return text + "; the probes' programs forbid it while they run"
	case d.Possible():
		return text + "; the probes' programs share a stack and can be preempted, which makes kernels panic"
	case d.Model == PreemptUnknown:
		return "it is not known whether this kernel preempts programs; where it does, probes could make it panic"
	}
	return text + "; no program is preempted"
}

// findDanger reads what the running kernel says of itself. The eBPF library has to know the kernel's
// version already: see prepareLibrary.
func findDanger() (Danger, error) {
	version, err := features.LinuxVersionCode()
	if err != nil {
		return Danger{}, fmt.Errorf("find the kernel's version: %w", err)
	}
	return Danger{version, haveKfunc("bpf_preempt_disable"), preemptionModel(readPreemption())}, nil
}

// preemptionSources are the files that tell how a kernel preempts; one that cannot be read is empty.
type preemptionSources struct {
	scheduler string // debugfs: the model in use is in parentheses
	version   string // /proc/version
	config    string // of the build
	cmdline   string // /proc/cmdline
}

func readPreemption() preemptionSources {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			return ""
		}
		return string(text)
	}
	s := preemptionSources{
		scheduler: read("/sys/kernel/debug/sched/preempt"), version: read("/proc/version"),
		cmdline: read("/proc/cmdline"), config: unzip(read("/proc/config.gz")),
	}
	if s.config == "" {
		s.config = read("/boot/config-" + strings.TrimSpace(read("/proc/sys/kernel/osrelease")))
	}
	return s
}

// maxConfig bounds what is read of a kernel's configuration.
const maxConfig = 4 << 20

func unzip(text string) string {
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return ""
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(z, maxConfig)); err != nil {
		return ""
	}
	return b.String()
}

// preemptionModel is the model in use, if it can be known: what the scheduler says, else what a
// kernel with a fixed model was built with, else what one that can change was begun with.
func preemptionModel(s preemptionSources) PreemptionModel {
	if _, model, ok := strings.Cut(s.scheduler, "("); ok {
		model, _, _ = strings.Cut(model, ")")
		return knownModel(model)
	}
	flags := map[string]bool{}
	for _, word := range strings.Fields(s.version) {
		flags[word] = true
	}
	switch {
	case flags["PREEMPT_RT"]:
		return PreemptRealTime
	case flags["PREEMPT_DYNAMIC"]:
		return begunWith(s)
	case flags["PREEMPT_LAZY"]:
		return PreemptLazy
	case flags["PREEMPT"]:
		return PreemptFull
	case s.version == "":
		return PreemptUnknown
	}
	return PreemptNone // or voluntary: neither preempts programs
}

func knownModel(name string) PreemptionModel {
	switch m := PreemptionModel(name); m {
	case PreemptNone, PreemptVoluntary, PreemptLazy, PreemptFull:
		return m
	}
	return PreemptUnknown
}

// begunWith is the model that a kernel was begun with that can change it: the command line's, or
// else the build's.
func begunWith(s preemptionSources) PreemptionModel {
	for _, word := range strings.Fields(s.cmdline) {
		if model, ok := strings.CutPrefix(word, "preempt="); ok {
			return knownModel(model)
		}
	}
	for _, built := range []struct {
		option string
		model  PreemptionModel
	}{
		{"CONFIG_PREEMPT_NONE=y", PreemptNone}, {"CONFIG_PREEMPT_VOLUNTARY=y", PreemptVoluntary},
		{"CONFIG_PREEMPT_LAZY=y", PreemptLazy}, {"CONFIG_PREEMPT=y", PreemptFull},
	} {
		if strings.Contains("\n"+s.config, "\n"+built.option+"\n") {
			return built.model
		}
	}
	return PreemptUnknown
}
