package record

import (
	"strings"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

// Flags of events: the kernel side's, those derived from a thread's state, and a snapshot's.
const (
	flagPreempted   = uint16(bpf.GoschedEventFlagsFLAG_PREEMPTED)
	flagCoroExit    = uint16(bpf.GoschedEventFlagsFLAG_CORO_EXIT)
	flagInvoluntary = uint16(bpf.GoschedEventFlagsFLAG_INVOLUNTARY)
	flagInKernel    = uint16(bpf.GoschedEventFlagsFLAG_IN_KERNEL)
	flagSystemStack = uint16(bpf.GoschedEventFlagsFLAG_SYSTEM_STACK)
	flagDead        = uint16(1 << 8) // the thread is gone

	snapshotState = uint16(0x0f)    // the bits that hold the format.State
	snapshotFresh = uint16(1 << 14) // it has not run since it was created
	snapshotEnd   = uint16(1 << 15) // taken at the end of the recording
)

// until is the end of a gap.
func (e *event) until() int64 { return e.byGoid }

// runtimeWakers says what wakes a goroutine that waits for a reason when no goroutine does it.
// Reasons that are not here are woken by the runtime.
var runtimeWakers = map[string]format.Reason{
	"sleep":                         format.ReasonTimer,
	"select":                        format.ReasonTimer, // a timer's channel send
	"chan receive":                  format.ReasonTimer,
	"select (durable)":              format.ReasonTimer,
	"chan receive (durable)":        format.ReasonTimer,
	"chan receive (synctest)":       format.ReasonTimer,
	"select (synctest)":             format.ReasonTimer,
	"force gc (idle)":               format.ReasonSysmon,
	"GC scavenge wait":              format.ReasonSysmon,
	"GC worker (idle)":              format.ReasonGC,
	"GC sweep wait":                 format.ReasonGC,
	"GC assist wait":                format.ReasonGC,
	"wait for GC cycle":             format.ReasonGC,
	"finalizer wait":                format.ReasonGC,
	"cleanup wait":                  format.ReasonGC,
	format.ReasonPreempted.String(): format.ReasonGC,
}

// texts knows the ids of everything that can be a reason.
type texts struct {
	table    stacks.Interner
	ids      [format.NumReasons]format.StringID
	wait     []format.StringID // by the runtime's number
	wakers   []format.Reason   // who wakes it when no goroutine does, by the same number
	netpoll  int               // the number of "IO wait"
	stw      []format.StringID
	states   map[uint32]format.StringID
	commands map[string]format.StringID
	limits   [numLimits]map[float64]format.StringID
}

func newTexts(table stacks.Interner, waitReasons, stwReasons []string) *texts {
	t := &texts{
		table: table, netpoll: -1,
		states: map[uint32]format.StringID{}, commands: map[string]format.StringID{},
	}
	for r := range t.ids {
		t.ids[r] = table.Intern(format.Reason(r).String())
	}
	for i, s := range waitReasons {
		waker, ok := runtimeWakers[s]
		if !ok {
			waker = format.ReasonRuntime
		}
		id := format.NullString
		if s != "" {
			id = table.Intern(s)
		}
		if s == "IO wait" {
			t.netpoll = i
		}
		t.wait, t.wakers = append(t.wait, id), append(t.wakers, waker)
	}
	for _, s := range stwReasons {
		t.stw = append(t.stw, table.Intern(format.StopTheWorld(s)))
	}
	return t
}

func (t *texts) id(r format.Reason) format.StringID { return t.ids[r] }

// waitReason is the runtime's own string for a wait reason's number; null for a number it does not
// know.
func (t *texts) waitReason(n uint8) format.StringID {
	if int(n) < len(t.wait) {
		return t.wait[n]
	}
	return format.NullString
}

// waker names what made ready a goroutine that waited for a reason, seen by an operation on a P or
// without one. Goroutines that wait for I/O come in lists from the network poller, or are taken
// from it and run; one that is made ready singly met its deadline, which is a timer (go1.18–1.27
// src/runtime/netpoll.go).
func (t *texts) waker(by gobin.Op, reason uint8, proc int32) format.StringID {
	switch {
	case int(reason) >= len(t.wakers):
		return t.ids[format.ReasonRuntime]
	case int(reason) == t.netpoll && by != gobin.OpReady:
		return t.ids[format.ReasonNetpoll]
	case int(reason) == t.netpoll:
		return t.ids[format.ReasonTimer]
	case proc == format.Unknown && t.wakers[reason] == format.ReasonRuntime:
		return t.ids[format.ReasonSysmon]
	}
	return t.ids[t.wakers[reason]]
}

// rangeName is the Go execution trace's name of a range.
func (t *texts) rangeName(begin op, reason uint8) format.StringID {
	if begin == op(gobin.OpGCStart) {
		return t.ids[format.ReasonMarkPhase]
	}
	if int(reason) < len(t.stw) {
		return t.stw[reason]
	}
	return t.ids[format.ReasonStopTheWorld]
}

// taskStates are the kernel's states of a thread that is not running (Linux v6.18
// include/linux/sched.h), in the words of proc(5).
var taskStates = []struct {
	bit  uint32
	name format.Reason
}{
	{0x0002, format.ReasonDiskSleep},
	{0x0001, format.ReasonSleeping},
	{0x0004, format.ReasonStopped},
	{0x0008, format.ReasonTracingStop},
	{0x8000, format.ReasonFrozen},
	{0x0040, format.ReasonParked},
}

const (
	taskDead   = 0x0010 | 0x0020 | 0x0080 // EXIT_DEAD, EXIT_ZOMBIE, TASK_DEAD
	taskNoLoad = 0x0400
)

// threadReason names why a thread left its CPU: the thread that took it, or the state it went to
// sleep in.
func (t *texts) threadReason(involuntary bool, state uint32, comm []byte) format.StringID {
	if involuntary {
		return t.command(comm)
	}
	id, ok := t.states[state]
	if !ok {
		id = t.taskState(state)
		t.states[state] = id
	}
	return id
}

// command is the name of a thread. The idle threads of all CPUs have one name.
func (t *texts) command(comm []byte) format.StringID {
	id, ok := t.commands[string(comm)]
	if !ok {
		idle := format.ReasonSwapper.String() + "/" // and the CPU's number
		if id = t.ids[format.ReasonSwapper]; !strings.HasPrefix(string(comm), idle) {
			id = t.table.Intern(string(comm))
		}
		t.commands[string(comm)] = id
	}
	return id
}

// limitNames are the names of the limits.
var limitNames = [numLimits]string{limitProcs: format.LimitProcs, limitQuota: format.LimitQuota}

// maxLimits is how many values of a limit are remembered with their ids.
const maxLimits = 1 << 10

func (t *texts) limit(name uint8, value float64) format.StringID {
	if id, ok := t.limits[name][value]; ok {
		return id
	}
	if len(t.limits[name]) == 0 || len(t.limits[name]) == maxLimits {
		t.limits[name] = map[float64]format.StringID{}
	}
	id := t.table.Intern(format.Limit{Name: limitNames[name], Value: value}.String())
	t.limits[name][value] = id
	return id
}

func (t *texts) taskState(state uint32) format.StringID {
	if state&0x0002 != 0 && state&taskNoLoad != 0 {
		return t.ids[format.ReasonIdle]
	}
	for _, s := range taskStates {
		if state&s.bit != 0 {
			return t.ids[s.name]
		}
	}
	return format.NullString
}
