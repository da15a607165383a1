// Package delay takes scheduling delays apart. It keeps a clock for each thing that the Ps of a
// process can be used for, and when each thread was ready and had no CPU; what delayed a
// goroutine is what these were between two moments. It knows neither rows nor goroutines.
package delay

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Delay is a scheduling delay taken apart: what delayed a runnable goroutine until it ran,
// in nanoseconds. The parts add up to the length of the span. Each nanosecond goes to the first
// part that fits, in the order of the table.
type Delay [numParts]int64

// Part is a part of a scheduling delay.
type Part uint8

// The parts of a delay. The table says each in a line; what is not in a line is here.
const (
	PartStopped Part = iota // see replay.Suspension
	PartSTW
	// PartOffCPU is when a thread that could have run the goroutine was ready, and another thread had
	// the CPU or a quota kept it from running. Threads that could have run it are the one that ran it
	// in the end and the one whose P's queue it was put into. Where a P was idle it counts too if any
	// other thread of the process is known to have lacked a CPU then, which is an upper bound: that
	// thread need not have been the one to start the P.
	//
	// A thread that was woken and got a CPU that had been idle did not lack one: see PartWakeUp.
	PartOffCPU
	PartAllBusy
	// PartSyscall is when no P was free if those count as taken whose goroutine was in a system
	// call and had not visibly lost it. An upper bound: a call that is known to block gives its P
	// away at once, which the trace shows only when another goroutine runs there.
	PartSyscall
	// PartWakeUp is when a P was idle and no thread is known to have lacked a CPU: the thread was
	// asleep or looking for work, or it had been woken and its CPU, which was idle, was waking up.
	PartWakeUp
	// PartUnknown is all but PartStopped where the trace has no GOMAXPROCS, and of delays in a part of
	// which thread rows were left out that the trace has otherwise. Where it has no thread
	// rows, or a thread was not seen before the span began, it is when a P was idle; what of the
	// other parts was for want of a CPU is not known then either.
	PartUnknown
	numParts
)

// parts is the table of the parts of a delay. Commands and documents draw all they say of a part
// from it.
var parts = [numParts]struct {
	key     string // in JSON, behind it _ns
	heading string // of a column
	meaning string // in a line
	machine bool   // it is for want of a CPU of the machine, or somebody stopped the process
}{
	PartStopped: {"stopped", "stopped", "the process was stopped from outside: SIGSTOP, a debugger, a frozen " +
		"cgroup", true},
	PartSTW: {"stw", "STW", "the world was stopped: no goroutine could run", false},
	PartOffCPU: {"off_cpu", "thread off CPU", "a thread to run it was ready, but another had the CPU, or a quota " +
		"stopped it", true},
	PartAllBusy: {"all_ps_busy", "all Ps busy", "every P ran another goroutine", false},
	PartSyscall: {"p_in_syscall", "P in syscall", "the other Ps were held by system calls (upper bound)", false},
	PartWakeUp: {"p_wakeup", "idle P being woken", "a P was idle: its thread, or the idle CPU under it, was being " +
		"woken", false},
	PartUnknown: {"unknown", "unknown", "what the threads did then is not in the trace", false},
}

// Parts lists the parts of a delay in the table's order.
func Parts() []Part {
	out := make([]Part, numParts)
	for i := range out {
		out[i] = Part(i)
	}
	return out
}

// Key is the part's name in JSON and in summaries, without a unit.
func (p Part) Key() string { return parts[p].key }

// String is the part's name in tables.
func (p Part) String() string { return parts[p].heading }

// Meaning says what the part is, in a line without an end.
func (p Part) Meaning() string { return parts[p].meaning }

// Add adds another delay's parts.
func (d *Delay) Add(other *Delay) {
	for i, ns := range other {
		d[i] += ns
	}
}

// Of is the sum of some parts.
func (d *Delay) Of(list ...Part) (ns int64) {
	for _, p := range list {
		ns += d[p]
	}
	return ns
}

// MachineNS is what of the delay the program could not help: other programs had the CPUs, or
// somebody stopped the process.
func (d *Delay) MachineNS() (ns int64) {
	for _, p := range machineParts {
		ns += d[p]
	}
	return ns
}

// machineParts are those of the table for which the machine is to blame.
var machineParts = slices.DeleteFunc(Parts(), func(p Part) bool { return !parts[p].machine })

// MarshalJSON implements json.Marshaler: an object with a number for each part.
func (d Delay) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for p, ns := range d {
		out.WriteString(map[bool]string{true: "{", false: ","}[p == 0])
		out.WriteString(strconv.Quote(parts[p].key+"_ns") + ":" + strconv.FormatInt(ns, 10))
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// retired are the parts that were once told apart, in JSON. What they held could be for want of a
// CPU or an idle P being woken: it is unknown now.
var retired = []string{"p_idle_off_cpu_ns"}

// UnmarshalJSON implements json.Unmarshaler. A part that is not there is 0.
func (d *Delay) UnmarshalJSON(text []byte) error {
	var byKey map[string]int64
	if err := json.Unmarshal(text, &byKey); err != nil {
		return err
	}
	for p := range d {
		d[p] = byKey[parts[p].key+"_ns"]
	}
	for _, key := range retired {
		d[PartUnknown] += byKey[key]
	}
	return nil
}
