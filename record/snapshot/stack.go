package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/target"
)

// MaxFrames is how many frames of a stack are read.
const MaxFrames = 128

const (
	// stackWindow is how many bytes of each stack are read at once.
	stackWindow = 4 << 10
	// deepWindow is how many are of one whose frames go beyond that.
	deepWindow = 256 << 10
)

// stacks walks the frame pointers of every goroutine that is not running. What it reads of each is its
// stack, its struct again, and its stack once more, one right after the other. A stack is known only
// if the struct is as it was and both readings of the frames are the same: else the goroutine has run
// meanwhile, and what was read may be of several calls. The struct alone does not show it: of system
// calls go1.26 on counts none, and one is often made from the same depth as the one before.
func (r *Reader) stacks(gs []Goroutine) error {
	size := int(r.layout.G.Sizeof)
	r.windows = slices.Grow(r.windows[:0], 2*stackWindow*len(gs))[:2*stackWindow*len(gs)]
	r.again = slices.Grow(r.again[:0], size*len(gs))[:size*len(gs)]
	r.shots = r.shots[:0]
	for i := range gs {
		stack := r.window(&gs[i], r.windows[2*i*stackWindow:][:stackWindow])
		more := target.Range{Addr: stack.Addr, Buf: r.windows[(2*i+1)*stackWindow:][:len(stack.Buf)]}
		r.shots = append(r.shots, stack, target.Range{Addr: gs[i].addr, Buf: r.again[i*size:][:size]}, more)
	}
	if err := r.mem.ReadMany(r.shots); err != nil {
		return fmt.Errorf("read stacks: %w", err)
	}
	for i := range gs {
		if err := r.settle(&gs[i], r.shots[3*i:3*i+3]); err != nil {
			return err
		}
	}
	return nil
}

// settle takes what was read of a goroutine: its stack, if that is known, and what has become of it.
func (r *Reader) settle(g *Goroutine, shot []target.Range) error {
	stood := r.compare(g, &shot[1])
	if !stood || !g.still() {
		return nil
	}
	r.walk(g, &shot[0])
	if n := g.top - shot[0].Addr; n > uint64(len(shot[0].Buf)) && len(shot[0].Buf) == stackWindow {
		return r.deep(g, shot[0].Addr)
	}
	r.keepIfSame(g, shot)
	return nil
}

// deep reads the stack of a goroutine whose frames go beyond the window.
func (r *Reader) deep(g *Goroutine, from uint64) error {
	n := min(word(g.raw, r.layout.G.StackHi)-from, deepWindow)
	shot := []target.Range{
		{Addr: from, Buf: make([]byte, n)},
		{Addr: g.addr, Buf: make([]byte, len(g.raw))},
		{Addr: from, Buf: make([]byte, n)},
	}
	if err := r.mem.ReadMany(shot); err != nil {
		return fmt.Errorf("read stacks: %w", err)
	}
	g.Stack = Stack{StartPC: g.Stack.StartPC}
	if r.compare(g, &shot[1]) {
		r.walk(g, &shot[0])
		r.keepIfSame(g, shot)
	}
	return nil
}

// keepIfSame drops the stack that was walked if its frames were others when they were read again, or
// if the garbage collector has the goroutine, which may just be moving them, and they do not hang
// together.
func (r *Reader) keepIfSame(g *Goroutine, shot []target.Range) {
	n := min(g.top-shot[0].Addr, uint64(len(shot[0].Buf)))
	moves := binary.LittleEndian.Uint32(g.raw[r.layout.G.AtomicStatus:])&gScan != 0 && !g.Stack.Whole
	if moves || !shot[0].OK || !shot[2].OK || !bytes.Equal(shot[0].Buf[:n], shot[2].Buf[:n]) {
		g.Stack = Stack{StartPC: g.Stack.StartPC}
	}
}

// still says whether nobody writes the goroutine's frames while its struct says the same. One that
// has left its thread has none (go1.18–1.27 src/runtime/proc.go, dropg): it waits in a function of
// its own as long as it has one, or is just about to leave it.
func (g *Goroutine) still() bool {
	return g.State() != format.StateRunning && (g.status == gSyscall || g.m == 0)
}

// window is the part of the goroutine's stack that is read at once with everyone else's.
func (r *Reader) window(g *Goroutine, room []byte) target.Range {
	_, sp, _ := r.registers(g)
	hi := word(g.raw, r.layout.G.StackHi)
	n := uint64(stackWindow)
	if sp == 0 || sp >= hi || !g.still() {
		n = 0
	} else {
		sp -= r.belowSP
		n = min(n, hi-sp)
	}
	return target.Range{Addr: sp, Buf: room[:n]}
}

// belowSP is how far below the stack pointer a frame begins: on arm64 the frame record lies there,
// with the return address at the stack pointer (go1.18–1.27 src/cmd/internal/obj/arm64/obj7.go).
func belowSP(arch string) uint64 {
	if arch == "arm64" {
		return 8
	}
	return 0
}

// registers are where the goroutine left its stack.
func (r *Reader) registers(g *Goroutine) (pc, sp, fp uint64) {
	l := &r.layout.G
	if g.State() == format.StateSyscall {
		return word(g.raw, l.SyscallPC), word(g.raw, l.SyscallSP), word(g.raw, l.SyscallBP)
	}
	return word(g.raw, l.SchedPC), word(g.raw, l.SchedSP), word(g.raw, l.SchedBP)
}

func (r *Reader) walk(g *Goroutine, in *target.Range) {
	pc, sp, fp := r.registers(g)
	hi := word(g.raw, r.layout.G.StackHi)
	g.Stack.PCs = append(g.Stack.PCs, pc)
	g.top = sp + 8
	if r.preempted(g) && pc != g.Stack.StartPC && fp != 0 {
		if ret := r.callerInPrologue(g, in, sp); ret != 0 {
			g.Stack.PCs = append(g.Stack.PCs, ret)
			g.Stack.HasWord = true
		}
	}
	for len(g.Stack.PCs) < MaxFrames {
		if fp == 0 {
			g.Stack.Whole = r.layout.G.SyscallBP >= 0 || g.State() != format.StateSyscall
			return
		}
		if fp < sp-r.belowSP || fp+16 > hi {
			return
		}
		g.top = fp + 16
		ret, up := r.at(in, fp+8), r.at(in, fp)
		if ret == 0 {
			return
		}
		g.Stack.PCs = append(g.Stack.PCs, ret)
		if up != 0 && up <= fp {
			return
		}
		fp = up
	}
}

// preempted says whether the goroutine may have been stopped in a prologue. One that was suspended to
// scan its stack counts as waiting meanwhile (go1.18–1.27 src/runtime/proc.go, casGFromPreempted).
func (r *Reader) preempted(g *Goroutine) bool {
	switch g.status {
	case gRunnable, gPreempted:
		return true
	case gWaiting:
		return int(g.WaitReason) < len(r.waits) && r.waits[g.WaitReason] == format.ReasonPreempted.String()
	}
	return false
}

// callerInPrologue is who called a function that was stopped before its frame was built.
func (r *Reader) callerInPrologue(g *Goroutine, in *target.Range, sp uint64) uint64 {
	if r.belowSP != 0 {
		return word(g.raw, r.layout.G.SchedLR)
	}
	return r.at(in, sp)
}

// at is a word of the stack; 0 where it was not read.
func (r *Reader) at(in *target.Range, addr uint64) uint64 {
	if off := addr - in.Addr; in.OK && addr >= in.Addr && off+8 <= uint64(len(in.Buf)) {
		return binary.LittleEndian.Uint64(in.Buf[off:])
	}
	return 0
}
