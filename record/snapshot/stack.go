package snapshot

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/target"
)

// MaxFrames is how many frames of a stack are read.
const MaxFrames = 128

// stackWindow is how many bytes of each stack are read at once.
const stackWindow = 4 << 10

// stacks walks the frame pointers of every goroutine that is not running.
func (r *Reader) stacks(gs []Goroutine) error {
	r.windows = slices.Grow(r.windows[:0], stackWindow*len(gs))[:stackWindow*len(gs)]
	r.ranges = r.ranges[:0]
	for i := range gs {
		r.ranges = append(r.ranges, r.window(&gs[i], r.windows[i*stackWindow:]))
	}
	if err := r.mem.ReadMany(r.ranges); err != nil {
		return fmt.Errorf("read stacks: %w", err)
	}
	for i := range gs {
		if gs[i].State() != format.StateRunning {
			r.walk(&gs[i], &r.ranges[i])
		}
	}
	return nil
}

// window is the part of the goroutine's stack that is read at once with everyone else's.
func (r *Reader) window(g *Goroutine, room []byte) target.Range {
	_, sp, _ := r.registers(g)
	hi := word(g.raw, r.layout.G.StackHi)
	n := uint64(stackWindow)
	if sp == 0 || sp >= hi || g.State() == format.StateRunning {
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
	if (g.status == gRunnable || g.status == gPreempted) && pc != g.Stack.StartPC && fp != 0 {
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

// callerInPrologue is who called a function that was stopped before its frame was built.
func (r *Reader) callerInPrologue(g *Goroutine, in *target.Range, sp uint64) uint64 {
	if r.belowSP != 0 {
		return word(g.raw, r.layout.G.SchedLR)
	}
	return r.at(in, sp)
}

// at reads a word of the stack, from the window where it is in it.
func (r *Reader) at(in *target.Range, addr uint64) uint64 {
	if off := addr - in.Addr; in.OK && addr >= in.Addr && off+8 <= uint64(len(in.Buf)) {
		return binary.LittleEndian.Uint64(in.Buf[off:])
	}
	buf := make([]byte, 8)
	if r.read(addr, buf) != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(buf)
}
