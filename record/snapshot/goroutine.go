package snapshot

import (
	"encoding/binary"
	"slices"

	"github.com/gosched/gosched/format"
)

// Values of g.atomicstatus (go1.18–1.27 src/runtime/runtime2.go).
const (
	gRunnable  = 1
	gRunning   = 2
	gSyscall   = 3
	gWaiting   = 4
	gCopystack = 8
	gPreempted = 9
	gLeaked    = 10 // go1.26 on
	gScan      = 0x1000
)

// Goroutine is a goroutine as it was in memory at some instant between two times.
type Goroutine struct {
	ID, Creator int64  // 0: the creator is not known
	WaitReason  uint8  // the runtime's number, see Reader.WaitReasons; whatever the last one was if it does not wait
	TID         int32  // of the thread that it is on, as Source.Threads numbers it; format.Unknown: none
	Proc        int32  // the P's number; format.Unknown: none
	CreatorPC   uint64 // the go statement that made it; 0: not known
	// it has not run since it was created; up to go1.23 its ID may then be an ended one's, see
	// starts
	Fresh         bool
	Stack         Stack
	Before, After int64 // it was so between these times
	// The place that it has in the process, which another has once it has ended; of a reading that is not
	// of Rounds, its place in the batch.
	Place     int
	Unchanged bool // of Rounds: it is as it was when its place was read before; its stack is left out

	addr        uint64
	status      uint32
	m           uint64
	onThread    bool
	keepsThread bool // what it waits for is waited for on its thread
	raw         []byte
	gone        bool   // when it was read again it had ended
	top         uint64 // the end of the part of its stack with return addresses
}

// Stack is how a goroutine left its stack.
type Stack struct {
	StartPC uint64   // where the goroutine began
	PCs     []uint64 // return addresses, leaf first; none: it was running, or moved while it was read
	Whole   bool     // PCs is the whole stack
	// PCs[1] is the return address if the leaf has no frame yet, else whatever was in its place
	HasWord bool
}

// AppendKey appends what tells apart the stacks that look different.
func (s *Stack) AppendKey(key []byte) []byte {
	var form byte
	if s.Whole {
		form |= 1
	}
	if s.HasWord {
		form |= 2
	}
	key = binary.LittleEndian.AppendUint64(append(key, form), s.StartPC)
	for _, pc := range s.PCs {
		key = binary.LittleEndian.AppendUint64(key, pc)
	}
	return key
}

// State is the goroutine's state in the trace's words. One that waits for the world to stop or the
// like keeps its thread: it is running.
func (g *Goroutine) State() format.State {
	switch {
	case g.status == gRunnable:
		return format.StateRunnable
	case g.status == gSyscall:
		return format.StateSyscall
	case g.status == gRunning, g.status == gCopystack, g.onThread && g.keepsThread:
		return format.StateRunning
	}
	return format.StateWaiting
}

// keepsThread are the wait reasons of goroutines that do not leave their thread (go1.26
// src/runtime/runtime2.go, isWaitingForSuspendG).
var keepsThread = []string{
	"stopping the world", "GC mark termination", "garbage collection", "garbage collection scan",
	"trace goroutine status",
	"trace proc status", "page trace flush", "GC assist marking", "GC worker (active)", "flushing proc caches",
}

// keepers says of every wait reason whether it is one of those. Before go1.20 the reason of such a
// goroutine may be any: it was set late or not at all.
func keepers(reasons []string, minor int) []bool {
	keep := make([]bool, len(reasons))
	for i, r := range reasons {
		keep[i] = minor < 20 || slices.Contains(keepsThread, r)
	}
	return keep
}

// starts says whether a goroutine that would go on at a pc would begin there. Up to go1.23 newproc1
// makes it runnable before it gives it its id, so that it may still have that of the one that had
// its g before (go1.18–1.23 src/runtime/proc.go).
func (g *Goroutine) starts(pc uint64) bool {
	return pc == g.Stack.StartPC && (g.status == gRunnable || g.status == gWaiting)
}
