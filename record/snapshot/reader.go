// Package snapshot reads the goroutines of a process from its memory: which there are, their
// states, what they wait for, and their stacks. It takes no eBPF, does not stop the process and
// leaves nothing in it.
//
// The process goes on meanwhile. Each goroutine was as it is told at some instant between two
// times, and not all at the same one; one that ended while it was read is left out, and of one that
// moved the stack is. So whoever has the goroutines' events as well knows what is older than those.
package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

const (
	batchSize     = 340     // goroutines read at once, three ranges each: one system call
	pointersBatch = 8 << 10 // of their addresses
	maxGoroutines = 4 << 20 // more is not a process that makes sense
)

// Source is where goroutines are read.
type Source struct {
	Memory Memory
	Binary *gobin.Binary // the file with the process's Go runtime
	Bias   uint64        // what to add to an address of the file for where the process has it
	Code   Code
	// Threads gives the numbers that Goroutine.TID shall have, by those that the process's threads
	// have themselves. It is called again where a thread has come since.
	Threads func() (map[int32]int32, error)
	Now     func() int64 // the clock of Before and After, in nanoseconds
}

// Memory is a process's memory.
type Memory interface {
	// ReadMany reads ranges, and notes of each whether it was there.
	ReadMany([]target.Range) error
}

// Code tells which function has a pc of the process.
type Code interface {
	// CallFrames are the frames of the call that returns to ret, innermost first.
	CallFrames(ret uint64) []gobin.Frame
}

// Reader reads the goroutines of a process. It is not safe for concurrent use.
type Reader struct {
	mem     Memory
	threads func() (map[int32]int32, error)
	now     func() int64
	layout  *gobin.Layout
	belowSP uint64 // see belowSP
	allgs   uint64 // address in the process
	waits   []string
	keep    []bool               // by wait reason, see keepers
	ending  func(pc uint64) bool // whether a goroutine that left its stack there is about to end; nil: none is
	tids    map[int32]int32      // as threads gave them last

	// Room that every batch uses again.
	first, again, windows []byte
	ranges                []target.Range // of structs; of parts of stacks
	shots                 []target.Range // see stacks
	gs                    []Goroutine
}

// NewReader finds out where the goroutines are, and reads nothing yet. The source stays in use.
func NewReader(src Source) (*Reader, error) {
	layout, err := src.Binary.Layout()
	if err != nil {
		return nil, err
	}
	allgs, err := src.Binary.AllGs()
	if err != nil {
		return nil, err
	}
	waits, err := src.Binary.WaitReasons()
	if err != nil {
		return nil, err
	}
	return &Reader{
		mem: src.Memory, threads: src.Threads, now: src.Now, layout: &layout, allgs: allgs + src.Bias, waits: waits,
		keep: keepers(waits, src.Binary.Version.Minor), ending: endings(src.Code), belowSP: belowSP(src.Binary.Arch),
	}, nil
}

// WaitReasons are the runtime's names of wait reasons, by Goroutine.WaitReason.
func (r *Reader) WaitReasons() []string { return r.waits }

// pointers reads runtime.allgs, which only grows.
func (r *Reader) pointers() ([]uint64, error) {
	header := make([]byte, 24)
	if err := r.read(r.allgs, header); err != nil {
		return nil, fmt.Errorf("read runtime.allgs: %w", err)
	}
	n := binary.LittleEndian.Uint64(header[8:])
	if n > maxGoroutines {
		return nil, fmt.Errorf("read runtime.allgs: %d goroutines cannot be", n)
	}
	return r.pointersFrom(make([]uint64, 0, n), binary.LittleEndian.Uint64(header), n)
}

// pointersFrom reads those of runtime.allgs, n at an address, that are not among addrs yet.
func (r *Reader) pointersFrom(addrs []uint64, allgs, n uint64) ([]uint64, error) {
	raw := make([]byte, 8*min(n-uint64(len(addrs)), pointersBatch))
	for uint64(len(addrs)) < n {
		raw = raw[:8*min(n-uint64(len(addrs)), pointersBatch)]
		if err := r.read(allgs+8*uint64(len(addrs)), raw); err != nil {
			return nil, fmt.Errorf("read runtime.allgs: %w", err)
		}
		for i := 0; i < len(raw); i += 8 {
			addrs = append(addrs, binary.LittleEndian.Uint64(raw[i:]))
		}
	}
	return addrs, nil
}

func (r *Reader) read(addr uint64, buf []byte) error {
	ranges := []target.Range{{Addr: addr, Buf: buf}}
	if len(buf) == 0 {
		return nil
	}
	if err := r.mem.ReadMany(ranges); err != nil {
		return err
	}
	if !ranges[0].OK {
		return fmt.Errorf("no memory at %#x", addr)
	}
	return nil
}

// batch reads some goroutines, their threads and their stacks, valid until the next batch. The
// stack of one that moved meanwhile is left out, and so is one that ended meanwhile. Everything but
// the stacks was read between before and after.
func (r *Reader) batch(addrs []uint64) ([]Goroutine, error) {
	before := r.now()
	gs, err := r.heads(addrs)
	if err != nil {
		return nil, err
	}
	if err := r.threadsOf(gs); err != nil {
		return nil, err
	}
	after := r.now()
	if err := r.stacks(gs); err != nil {
		return nil, err
	}
	for i := range gs {
		gs[i].Before, gs[i].After, gs[i].raw = before, after, nil
	}
	gs = slices.DeleteFunc(gs, func(g Goroutine) bool { return g.gone })
	return gs, r.numberThreads(gs)
}

func (r *Reader) heads(addrs []uint64) ([]Goroutine, error) {
	return r.headsBy(addrs, Memory.ReadMany)
}

// headsBy reads goroutines' structs by a way to read ranges.
func (r *Reader) headsBy(addrs []uint64, read func(Memory, []target.Range) error) ([]Goroutine, error) {
	ranges := r.headRanges(&r.first, len(addrs), func(i int) uint64 { return addrs[i] })
	if err := read(r.mem, ranges); err != nil {
		return nil, fmt.Errorf("read goroutines: %w", err)
	}
	r.gs = r.gs[:0]
	for i := range ranges {
		if !ranges[i].OK {
			continue
		}
		if g, alive := r.parse(addrs[i], ranges[i].Buf); alive {
			g.Place = i
			r.gs = append(r.gs, g)
		}
	}
	return r.gs, nil
}

// headRanges are n structs to read, into room that the reader keeps.
func (r *Reader) headRanges(room *[]byte, n int, addr func(int) uint64) []target.Range {
	size := int(r.layout.G.Sizeof)
	*room = slices.Grow((*room)[:0], size*n)[:size*n]
	r.ranges = r.ranges[:0]
	for i := range n {
		r.ranges = append(r.ranges, target.Range{Addr: addr(i), Buf: (*room)[i*size : (i+1)*size]})
	}
	return r.ranges
}

func (r *Reader) parse(addr uint64, raw []byte) (Goroutine, bool) {
	l := &r.layout.G
	g := Goroutine{
		addr: addr, raw: raw, TID: format.Unknown, Proc: format.Unknown,
		ID:         int64(word(raw, l.GoID)),
		status:     binary.LittleEndian.Uint32(raw[l.AtomicStatus:]) &^ gScan,
		WaitReason: raw[l.WaitReason],
		m:          word(raw, l.M),
		Creator:    int64(word(raw, l.ParentGoID)),
		CreatorPC:  word(raw, l.GoPC),
		Stack:      Stack{StartPC: word(raw, l.StartPC)},
	}
	g.keepsThread = int(g.WaitReason) < len(r.keep) && r.keep[g.WaitReason]
	g.Fresh = g.starts(word(raw, l.SchedPC))
	switch g.status {
	case gRunning:
		return g, g.ID != 0 && !(r.ending != nil && r.ending(word(raw, l.SchedPC)))
	case gRunnable, gSyscall, gWaiting, gCopystack, gPreempted, gLeaked:
		return g, g.ID != 0
	}
	return g, false
}

// word reads the field at an offset, 0 where this Go version has no such field.
func word(raw []byte, offset int32) uint64 {
	if offset < 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(raw[offset:])
}

// threadsOf reads which thread and P each goroutine has.
func (r *Reader) threadsOf(gs []Goroutine) error {
	l := &r.layout.M
	size := max(l.ProcID, l.CurG, l.P) + 8
	var with []*Goroutine
	var ranges []target.Range
	for i := range gs {
		if gs[i].m != 0 {
			with = append(with, &gs[i])
			ranges = append(ranges, target.Range{Addr: gs[i].m, Buf: make([]byte, size)})
		}
	}
	if err := r.mem.ReadMany(ranges); err != nil {
		return fmt.Errorf("read threads: %w", err)
	}
	for i, g := range with {
		if !ranges[i].OK || word(ranges[i].Buf, l.CurG) != g.addr {
			continue
		}
		g.onThread = true
		g.TID = int32(word(ranges[i].Buf, l.ProcID))
		id := make([]byte, 4)
		if p := word(ranges[i].Buf, l.P); p != 0 && r.read(p+uint64(r.layout.P.ID), id) == nil {
			g.Proc = int32(binary.LittleEndian.Uint32(id))
		}
	}
	return nil
}

// numberThreads gives the threads the numbers that are wanted. They are asked for again where a
// thread has come that was not there before.
func (r *Reader) numberThreads(gs []Goroutine) error {
	asked := false
	for i := range gs {
		g := &gs[i]
		if !g.onThread {
			continue
		}
		if _, known := r.tids[g.TID]; !known && !asked {
			var err error
			if r.tids, err = r.threads(); err != nil {
				return err
			}
			asked = true
		}
		tid, known := r.tids[g.TID]
		if !known {
			tid = format.Unknown
		}
		g.TID = tid
	}
	return nil
}

// compare takes what was read of a goroutine the second time. It marks one that has ended: its id is
// never given to others. It says whether the goroutine stood still in between: nothing in its struct
// has changed. A goroutine that has run and waits at the same place again is told by g.trackingSeq,
// which counts how often it stopped running (go1.18–1.27 src/runtime/proc.go, casgstatus).
func (r *Reader) compare(g *Goroutine, again *target.Range) (stood bool) {
	if !again.OK {
		return false
	}
	now, alive := r.parse(g.addr, again.Buf)
	g.gone = !alive || now.ID != g.ID
	g.Fresh = g.Fresh || now.Fresh
	return bytes.Equal(g.raw, again.Buf)
}
