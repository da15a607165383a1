package kernel

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// trapped is called for the trap at its first instruction. It is assembly so that this instruction
// is one that is emulated, as most probe points are.
func trapped()

// trappedPC is where trapped is; its value as a function would be that of a wrapper.
func trappedPC() uintptr

// TrapCost is what it costs a process to hit a probe whose program does nothing.
type TrapCost struct {
	NS   float64 // CPU time; the median of some measurements
	SDNS float64 // their standard deviation, by the median of how far they are from NS
}

const (
	trapRounds = 9
	trapCalls  = 1000
)

// MeasureTrap probes a function of this process as those of others are probed, and calls it: that
// takes some 10 ms of CPU time. In a process that does something else between its hits, whose caches
// the trap displaces, a hit costs more.
func MeasureTrap() (TrapCost, error) {
	if err := prepareLibrary(); err != nil {
		return TrapCost{}, err
	}
	l, prog, err := probeTrapped()
	if err != nil {
		return TrapCost{}, fmt.Errorf("measure what a trap costs: %w", explain(err))
	}
	with, err1 := timeTraps()
	trials.Go(func() { // it waits for a grace period
		_ = l.Close()
		_ = prog.Close()
	})
	if err1 != nil {
		return TrapCost{}, fmt.Errorf("measure what a trap costs: %w", err1)
	}
	return costOf(with), nil
}

// costOf sums up measurements.
func costOf(rounds []float64) TrapCost {
	slices.Sort(rounds)
	median := rounds[len(rounds)/2]
	var off []float64
	for _, r := range rounds {
		off = append(off, math.Abs(r-median))
	}
	slices.Sort(off)
	const sdOfMAD = 1.4826 // of a normal distribution
	return TrapCost{NS: median, SDNS: sdOfMAD * off[len(off)/2]}
}

// probeTrapped puts a program that does nothing on trapped.
func probeTrapped() (link.Link, *ebpf.Program, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "trap", Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return nil, nil, err
	}
	offset, err := fileOffset(trappedPC())
	if err != nil {
		return nil, nil, err
	}
	exe, err := link.OpenExecutable("/proc/self/exe")
	if err != nil {
		return nil, nil, err
	}
	opts := &link.UprobeMultiOptions{Addresses: []uint64{offset}, PID: uint32(os.Getpid())}
	l, err := exe.UprobeMulti(nil, prog, opts)
	return l, prog, err
}

// timeTraps is the CPU time of a call of trapped, in ns, some times. A call alone takes no
// nanosecond or two.
func timeTraps() (rounds []float64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range trapRounds {
		var before, after unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
			return nil, err
		}
		for range trapCalls {
			trapped()
		}
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
			return nil, err
		}
		rounds = append(rounds, float64(after.Nano()-before.Nano())/trapCalls)
	}
	return rounds, nil
}
