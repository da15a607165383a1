package record

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

const (
	snapshotBatch = 512     // goroutines read at once
	pointersBatch = 8 << 10 // of their addresses
	stackWindow   = 4 << 10 // bytes of each stack read at once
	maxGoroutines = 4 << 20 // more is not a process that makes sense
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

// memory is a process's memory.
type memory interface {
	ReadMany([]target.Range) error
}

// found is a goroutine as it was in memory at some instant between two times.
type found struct {
	goid, creator int64
	addr          uint64
	status        uint32
	reason        uint8
	tid           int32 // as its own namespace sees it
	proc          int32
	pcs           []uint64
	whole         bool // pcs is the whole stack
	hasWord       bool // pcs[1] is the return address if the leaf has no frame yet, else whatever was in its place
	startPC, gopc uint64
	before, after int64 // it was so between these times
	raw           []byte
	m             uint64
	onThread      bool
	keepsThread   bool // what it waits for is waited for on its thread
	fresh         bool // it has not run since it was created
	gone          bool // when it was read again it had ended
}

// appendKey appends what tells apart the stacks that look different.
func (g *found) appendKey(key []byte) []byte {
	var form byte
	if g.whole {
		form |= 1
	}
	if g.hasWord {
		form |= 2
	}
	key = binary.LittleEndian.AppendUint64(append(key, form), g.startPC)
	for _, pc := range g.pcs {
		key = binary.LittleEndian.AppendUint64(key, pc)
	}
	return key
}

// walker reads the goroutines of a process from its memory.
type walker struct {
	mem     memory
	layout  *gobin.Layout
	belowSP uint64 // see belowSP
	allgs   uint64 // address in the process
	keep    []bool // by wait reason, see keepers
	now     func() int64
	ending  func(pc uint64) bool // whether a goroutine that left its stack there is about to end; nil: none is

	// Room that every batch uses again.
	first, again, windows []byte
	ranges                []target.Range
	gs                    []found
}

// each reads every goroutine that is alive and hands them on, some at a time. They are valid during
// the call only.
func (w *walker) each(take func([]found)) error {
	addrs, err := w.pointers()
	for len(addrs) > 0 && err == nil {
		n := min(len(addrs), snapshotBatch)
		var gs []found
		if gs, err = w.batch(addrs[:n]); err == nil {
			take(gs)
		}
		addrs = addrs[n:]
	}
	return err
}

// pointers reads runtime.allgs, which only grows.
func (w *walker) pointers() ([]uint64, error) {
	header := make([]byte, 24)
	if err := w.read(w.allgs, header); err != nil {
		return nil, fmt.Errorf("read runtime.allgs: %w", err)
	}
	n := binary.LittleEndian.Uint64(header[8:])
	if n > maxGoroutines {
		return nil, fmt.Errorf("read runtime.allgs: %d goroutines cannot be", n)
	}
	addrs := make([]uint64, 0, n)
	raw := make([]byte, 8*min(n, pointersBatch))
	for at := binary.LittleEndian.Uint64(header); uint64(len(addrs)) < n; at += uint64(len(raw)) {
		raw = raw[:8*min(n-uint64(len(addrs)), pointersBatch)]
		if err := w.read(at, raw); err != nil {
			return nil, fmt.Errorf("read runtime.allgs: %w", err)
		}
		for i := 0; i < len(raw); i += 8 {
			addrs = append(addrs, binary.LittleEndian.Uint64(raw[i:]))
		}
	}
	return addrs, nil
}

func (w *walker) read(addr uint64, buf []byte) error {
	r := []target.Range{{Addr: addr, Buf: buf}}
	if len(buf) == 0 {
		return nil
	}
	if err := w.mem.ReadMany(r); err != nil {
		return err
	}
	if !r[0].OK {
		return fmt.Errorf("no memory at %#x", addr)
	}
	return nil
}

// batch reads some goroutines, their threads and their stacks, valid until the next batch. The
// stack of one that moved meanwhile is left out, and so is one that ended meanwhile. Everything but
// the stacks was read between before and after.
func (w *walker) batch(addrs []uint64) ([]found, error) {
	before := w.now()
	gs, err := w.heads(addrs)
	if err != nil {
		return nil, err
	}
	if err := w.threads(gs); err != nil {
		return nil, err
	}
	after := w.now()
	if err := w.stacks(gs); err != nil {
		return nil, err
	}
	for i := range gs {
		gs[i].before, gs[i].after = before, after
	}
	if err := w.forgetMoved(gs); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(gs, func(g found) bool { return g.gone }), nil
}

func (w *walker) heads(addrs []uint64) ([]found, error) {
	ranges := w.headRanges(&w.first, len(addrs), func(i int) uint64 { return addrs[i] })
	if err := w.mem.ReadMany(ranges); err != nil {
		return nil, fmt.Errorf("read goroutines: %w", err)
	}
	w.gs = w.gs[:0]
	for i := range ranges {
		if !ranges[i].OK {
			continue
		}
		if g, alive := w.parse(addrs[i], ranges[i].Buf); alive {
			w.gs = append(w.gs, g)
		}
	}
	return w.gs, nil
}

// headRanges are n structs to read, into room that the walker keeps.
func (w *walker) headRanges(room *[]byte, n int, addr func(int) uint64) []target.Range {
	size := int(w.layout.G.Sizeof)
	*room = slices.Grow((*room)[:0], size*n)[:size*n]
	w.ranges = w.ranges[:0]
	for i := range n {
		w.ranges = append(w.ranges, target.Range{Addr: addr(i), Buf: (*room)[i*size : (i+1)*size]})
	}
	return w.ranges
}

func (w *walker) parse(addr uint64, raw []byte) (found, bool) {
	l := &w.layout.G
	g := found{
		addr: addr, raw: raw, tid: format.Unknown, proc: format.Unknown,
		goid:    int64(word(raw, l.GoID)),
		status:  binary.LittleEndian.Uint32(raw[l.AtomicStatus:]) &^ gScan,
		reason:  raw[l.WaitReason],
		m:       word(raw, l.M),
		creator: int64(word(raw, l.ParentGoID)),
		startPC: word(raw, l.StartPC),
		gopc:    word(raw, l.GoPC),
	}
	g.keepsThread = int(g.reason) < len(w.keep) && w.keep[g.reason]
	g.fresh = g.starts(word(raw, l.SchedPC))
	switch g.status {
	case gRunning:
		return g, g.goid != 0 && !(w.ending != nil && w.ending(word(raw, l.SchedPC)))
	case gRunnable, gSyscall, gWaiting, gCopystack, gPreempted, gLeaked:
		return g, g.goid != 0
	}
	return g, false
}

// starts says whether a goroutine that would go on at a pc would begin there. Up to go1.23 newproc1
// makes it runnable before it gives it its id, so that it may still have that of the one that had
// its g before (go1.18–1.23 src/runtime/proc.go).
func (g *found) starts(pc uint64) bool {
	return pc == g.startPC && (g.status == gRunnable || g.status == gWaiting)
}

// word reads the field at an offset, 0 where this Go version has no such field.
func word(raw []byte, offset int32) uint64 {
	if offset < 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(raw[offset:])
}

// threads reads which thread and P each goroutine has.
func (w *walker) threads(gs []found) error {
	l := &w.layout.M
	size := max(l.ProcID, l.CurG, l.P) + 8
	var with []*found
	var ranges []target.Range
	for i := range gs {
		if gs[i].m != 0 {
			with = append(with, &gs[i])
			ranges = append(ranges, target.Range{Addr: gs[i].m, Buf: make([]byte, size)})
		}
	}
	if err := w.mem.ReadMany(ranges); err != nil {
		return fmt.Errorf("read threads: %w", err)
	}
	for i, g := range with {
		if !ranges[i].OK || word(ranges[i].Buf, l.CurG) != g.addr {
			continue
		}
		g.onThread = true
		g.tid = int32(word(ranges[i].Buf, l.ProcID))
		id := make([]byte, 4)
		if p := word(ranges[i].Buf, l.P); p != 0 && w.read(p+uint64(w.layout.P.ID), id) == nil {
			g.proc = int32(binary.LittleEndian.Uint32(id))
		}
	}
	return nil
}

// state is the goroutine's state in the trace's words. One that waits for the world to stop or the
// like keeps its thread: it is running.
func (g *found) state() format.State {
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

// stacks walks the frame pointers of every goroutine that is not running.
func (w *walker) stacks(gs []found) error {
	w.windows = slices.Grow(w.windows[:0], stackWindow*len(gs))[:stackWindow*len(gs)]
	w.ranges = w.ranges[:0]
	for i := range gs {
		w.ranges = append(w.ranges, w.window(&gs[i], w.windows[i*stackWindow:]))
	}
	if err := w.mem.ReadMany(w.ranges); err != nil {
		return fmt.Errorf("read stacks: %w", err)
	}
	for i := range gs {
		if gs[i].state() != format.StateRunning {
			w.walk(&gs[i], &w.ranges[i])
		}
	}
	return nil
}

// window is the part of the goroutine's stack that is read at once with everyone else's.
func (w *walker) window(g *found, room []byte) target.Range {
	_, sp, _ := w.registers(g)
	hi := word(g.raw, w.layout.G.StackHi)
	n := uint64(stackWindow)
	if sp == 0 || sp >= hi || g.state() == format.StateRunning {
		n = 0
	} else {
		sp -= w.belowSP
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
func (w *walker) registers(g *found) (pc, sp, fp uint64) {
	l := &w.layout.G
	if g.state() == format.StateSyscall {
		return word(g.raw, l.SyscallPC), word(g.raw, l.SyscallSP), word(g.raw, l.SyscallBP)
	}
	return word(g.raw, l.SchedPC), word(g.raw, l.SchedSP), word(g.raw, l.SchedBP)
}

func (w *walker) walk(g *found, r *target.Range) {
	pc, sp, fp := w.registers(g)
	hi := word(g.raw, w.layout.G.StackHi)
	g.pcs = append(g.pcs, pc)
	if (g.status == gRunnable || g.status == gPreempted) && pc != g.startPC && fp != 0 {
		if ret := w.callerInPrologue(g, r, sp); ret != 0 {
			g.pcs = append(g.pcs, ret)
			g.hasWord = true
		}
	}
	for len(g.pcs) < maxFrames {
		if fp == 0 {
			g.whole = w.layout.G.SyscallBP >= 0 || g.state() != format.StateSyscall
			return
		}
		if fp < sp-w.belowSP || fp+16 > hi {
			return
		}
		ret, up := w.at(r, fp+8), w.at(r, fp)
		if ret == 0 {
			return
		}
		g.pcs = append(g.pcs, ret)
		if up != 0 && up <= fp {
			return
		}
		fp = up
	}
}

// callerInPrologue is who called a function that was stopped before its frame was built.
func (w *walker) callerInPrologue(g *found, r *target.Range, sp uint64) uint64 {
	if w.belowSP != 0 {
		return word(g.raw, w.layout.G.SchedLR)
	}
	return w.at(r, sp)
}

// at reads a word of the stack, from the window where it is in it.
func (w *walker) at(r *target.Range, addr uint64) uint64 {
	if off := addr - r.Addr; r.OK && addr >= r.Addr && off+8 <= uint64(len(r.Buf)) {
		return binary.LittleEndian.Uint64(r.Buf[off:])
	}
	buf := make([]byte, 8)
	if w.read(addr, buf) != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(buf)
}

// forgetMoved reads the goroutines again. It drops the stacks of those that did not stand still,
// and marks those that have ended: their ids are never given to others.
func (w *walker) forgetMoved(gs []found) error {
	ranges := w.headRanges(&w.again, len(gs), func(i int) uint64 { return gs[i].addr })
	if err := w.mem.ReadMany(ranges); err != nil {
		return fmt.Errorf("read goroutines again: %w", err)
	}
	for i := range gs {
		if ranges[i].OK {
			w.compare(&gs[i], ranges[i].Buf)
		} else {
			gs[i].pcs = nil
		}
		gs[i].raw = nil
	}
	return nil
}

// compare takes what was read of a goroutine the second time.
func (w *walker) compare(g *found, again []byte) {
	l := &w.layout.G
	for _, field := range []int32{l.SchedPC, l.SchedSP, l.SchedBP, l.WaitSince} {
		if word(again, field) != word(g.raw, field) {
			g.pcs = nil
		}
	}
	now, alive := w.parse(g.addr, again)
	g.gone = !alive || now.goid != g.goid
	g.fresh = g.fresh || now.fresh
	if now.status != g.status {
		g.pcs = nil
	}
}
