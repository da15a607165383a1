package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/target"
)

// loadSampling loads the programs, and without the one for samples where the kernel does not take
// that: noSampler says why.
func loadSampling(spec *ebpf.CollectionSpec, wanted bool) (c *ebpf.Collection, noSampler, err error) {
	if wanted {
		if c, noSampler = ebpf.NewCollection(spec); noSampler == nil || forbidden(noSampler) {
			return c, nil, noSampler
		}
		noSampler = fmt.Errorf("the kernel does not take the program: %w", noSampler)
	}
	delete(spec.Programs, bpf.GoschedProgCpuSample)
	c, err = ebpf.NewCollection(spec)
	return c, noSampler, err
}

// Sample has every CPU interrupted each time its clock has gone on by that period, to see what runs
// on it. Idle CPUs are left alone. Where the kernel does not allow that, the error says why, and
// everything else can still be watched.
func (p *Probes) Sample(periodNS int64) error {
	if p.noSampler != nil {
		return p.noSampler
	}
	cpus, err := onlineCPUs()
	if err != nil {
		return err
	}
	program := p.collection.Programs[bpf.GoschedProgCpuSample].FD()
	for _, cpu := range cpus {
		err := p.sampleCPU(cpu, periodNS, program)
		if errors.Is(err, unix.ENODEV) { // it has just gone
			continue
		}
		if err != nil {
			return errors.Join(fmt.Errorf("sample CPU %d: %w", cpu, err), p.stopSampling())
		}
	}
	return nil
}

// sampleCPU puts the program on the clock of one CPU.
func (p *Probes) sampleCPU(cpu int, periodNS int64, program int) error {
	fd, err := openCPUClock(cpu, periodNS)
	if err != nil {
		return err
	}
	p.samplers = append(p.samplers, fd)
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, program); err != nil {
		return fmt.Errorf("give the program to the perf event: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return fmt.Errorf("enable the perf event: %w", err)
	}
	return nil
}

// openCPUClock opens a perf event that comes each time so much of a CPU's time has passed. The
// kernel's timer keeps to the period exactly (Linux 5.10-6.18 kernel/events/core.c,
// perf_swevent_hrtimer).
func openCPUClock(cpu int, periodNS int64) (int, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Size: unix.PERF_ATTR_SIZE_VER1,
		Sample: uint64(periodNS), Bits: unix.PerfBitDisabled | unix.PerfBitExcludeIdle,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, refusedEvent(err)
	}
	return fd, nil
}

// refusedEvent says what keeps a perf event from being opened.
func refusedEvent(err error) error {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		level := "not known"
		if paranoid, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid"); err == nil {
			level = strings.TrimSpace(string(paranoid))
		}
		return fmt.Errorf("open perf event: %w (it takes %s where kernel.perf_event_paranoid, %s here, is above 0; "+
			"a container's seccomp profile may forbid it)", err, target.CapPerfmon, level)
	case errors.Is(err, unix.ENOSYS), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open perf event: %w (the kernel has no perf events)", err)
	}
	return fmt.Errorf("open perf event: %w", err)
}

// stopSampling takes the program off all CPUs.
func (p *Probes) stopSampling() error {
	var err error
	for _, fd := range p.samplers {
		err = errors.Join(err, unix.Close(fd))
	}
	p.samplers = nil
	return err
}

// TrySampling says why CPUs cannot be sampled, nil if they can.
func (p *Probes) TrySampling() error {
	const hour = 3600 * 1e9 // nothing comes before it is over
	err := p.Sample(hour)
	return errors.Join(err, p.stopSampling())
}

// onlineCPUs lists the CPUs that are in use, by the numbers in "0-3,8".
func onlineCPUs() ([]int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	cpus, err := parseCPUs(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read /sys/devices/system/cpu/online: %w", err)
	}
	return cpus, nil
}

func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for _, part := range strings.Split(list, ",") {
		var first, last int
		if _, err := fmt.Sscanf(part, "%d-%d", &first, &last); err != nil {
			if _, err := fmt.Sscanf(part, "%d", &first); err != nil {
				return nil, fmt.Errorf("%q is no list of CPUs", list)
			}
			last = first
		}
		if first < 0 || last < first || last-first > 1<<16 {
			return nil, fmt.Errorf("%q is no list of CPUs", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
