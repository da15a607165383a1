package record

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// heap is the memory of a process that goes on while it is read: each read of a g shows the next of
// its versions.
type heap struct {
	layout gobin.Layout
	gs     map[uint64][][]byte
	words  map[uint64]uint64
	reads  map[uint64]int
}

const (
	allgsAt  = 0x1000
	listAt   = 0x2000
	firstG   = 0x10000
	apart    = 0x1000
	stackTop = 0x900000
	exitPC   = 0x77 // in runtime.goexit1
	startPC  = 0x55
	parkPC   = 0x66
)

func newHeap() *heap {
	h := &heap{gs: map[uint64][][]byte{}, words: map[uint64]uint64{}, reads: map[uint64]int{}}
	h.layout.G = gobin.GLayout{
		Sizeof: 256, StackLo: 0, StackHi: 8, M: 48, SchedSP: 56, SchedPC: 64, SchedLR: -1, SchedBP: 96, SyscallSP: 104,
		SyscallPC: 112, SyscallBP: 120, AtomicStatus: 144, GoID: 152, SchedLink: 160, WaitSince: 168, WaitReason: 176,
		ParentGoID: 184, GoPC: 192, StartPC: 200, Labels: -1, CoroArg: -1, CoroExit: -1, SyncSafePoint: -1,
	}
	h.layout.M = gobin.MLayout{ProcID: 64, CurG: 184, P: 208}
	h.words[allgsAt] = listAt
	return h
}

// version is what a g shows.
type version struct {
	status uint32
	goid   int64
	pc     uint64
}

func (h *heap) add(versions ...version) {
	n := h.words[allgsAt+8]
	addr := firstG + apart*n
	h.words[listAt+8*n] = addr
	h.words[allgsAt+8] = n + 1
	l := &h.layout.G
	for _, v := range versions {
		raw := make([]byte, l.Sizeof)
		put := func(at int32, value uint64) { binary.LittleEndian.PutUint64(raw[at:], value) }
		put(l.StackHi, stackTop)
		put(l.SchedSP, stackTop-64)
		put(l.SchedPC, v.pc)
		put(l.AtomicStatus, uint64(v.status))
		put(l.GoID, uint64(v.goid))
		put(l.StartPC, startPC)
		h.gs[addr] = append(h.gs[addr], raw)
	}
}

func (h *heap) ReadMany(ranges []target.Range) error {
	for i := range ranges {
		r := &ranges[i]
		r.OK = true
		if versions := h.gs[r.Addr]; len(versions) > 0 {
			copy(r.Buf, versions[min(h.reads[r.Addr], len(versions)-1)])
			h.reads[r.Addr]++
			continue
		}
		for at := 0; at+8 <= len(r.Buf); at += 8 {
			binary.LittleEndian.PutUint64(r.Buf[at:], h.words[r.Addr+uint64(at)])
		}
	}
	return nil
}

// walkAll reads the heap, with a clock that steps at each look.
func (h *heap) walkAll(t *testing.T, arch string) (out []found) {
	t.Helper()
	clock := int64(0)
	w := &walker{
		mem: h, layout: &h.layout, allgs: allgsAt, now: func() int64 { clock += 10; return clock },
		ending: func(pc uint64) bool { return pc == exitPC }, belowSP: belowSP(arch),
	}
	if err := w.each(func(gs []found) { out = append(out, gs...) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWalkerTellsWhatIsAlive(t *testing.T) {
	const gone = format.StateUnknown
	for _, c := range []struct {
		name     string
		versions []version
		state    format.State // gone: it is not told
		fresh    bool
		stack    bool
	}{
		{"waits", []version{{gWaiting, 7, parkPC}}, isWaiting, false, true},
		{"runs", []version{{gRunning, 7, parkPC}}, isRunning, false, false},
		{"has never been used", []version{{0, 0, 0}}, gone, false, false},
		{"is dead", []version{{6, 7, exitPC}}, gone, false, false},
		{"is about to end", []version{{gRunning, 7, exitPC}}, gone, false, false},
		{"ends while it is read", []version{{gRunning, 7, parkPC}, {6, 7, exitPC}}, gone, false, false},
		{"begins to end meanwhile", []version{{gRunning, 7, parkPC}, {gRunning, 7, exitPC}}, gone, false, false},
		{"ends, and another has its g", []version{{gWaiting, 7, parkPC}, {gWaiting, 8, parkPC}}, gone, false, false},
		{"gets its own id meanwhile", []version{{gRunnable, 7, startPC}, {gRunnable, 8, startPC}}, gone, false, false},
		{"has not run", []version{{gRunnable, 7, startPC}}, isRunnable, true, true},
		{"was made parked", []version{{gWaiting, 7, startPC}}, isWaiting, true, true},
		{"is half written", []version{{gRunnable, 7, parkPC}, {gRunnable, 7, startPC}}, isRunnable, true, false},
		{"moves while it is read", []version{{gWaiting, 7, parkPC}, {gRunnable, 7, parkPC}}, isWaiting, false, false},
		{"is in a system call", []version{{gSyscall, 7, parkPC}}, isSyscall, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHeap()
			h.add(c.versions...)
			h.add(version{gWaiting, 9, parkPC}) // another, after it
			gs := h.walkAll(t, "amd64")
			if c.state == gone {
				if len(gs) != 1 || gs[0].goid != 9 {
					t.Errorf("found %+v, want goroutine 9 alone", gs)
				}
				return
			}
			if len(gs) != 2 || gs[0].goid != 7 || gs[0].state() != c.state || gs[0].fresh != c.fresh ||
				len(gs[0].pcs) > 0 != c.stack {
				t.Fatalf("found %+v, want goroutine 7 %v, fresh %v, with a stack %v", gs, c.state, c.fresh, c.stack)
			}
			if gs[0].before >= gs[0].after {
				t.Errorf("read between %d and %d", gs[0].before, gs[0].after)
			}
		})
	}
}

func TestWalkerReadsManyInBatches(t *testing.T) {
	h := newHeap()
	const n = 3*snapshotBatch + 1
	for i := range int64(n) {
		h.add(version{gWaiting, i + 1, parkPC})
	}
	gs := h.walkAll(t, "amd64")
	ids := make([]int64, len(gs))
	for i := range gs {
		ids[i] = gs[i].goid
	}
	if len(slices.Compact(ids)) != n {
		t.Errorf("%d goroutines were found, want %d", len(ids), n)
	}
	if gs[0].after > gs[n-1].before {
		t.Error("the last was read before the first")
	}
}

// TestWalkerFollowsFrames walks a stack of two frames as each processor lays it out.
func TestWalkerFollowsFrames(t *testing.T) {
	const sp, second, ret1, ret2, caller = stackTop - 64, stackTop - 32, 0x1111, 0x2222, 0x3333
	for _, c := range []struct {
		arch   string
		status uint32
		fp     uint64
		want   []uint64
	}{
		{"amd64", gWaiting, sp + 16, []uint64{parkPC, ret1, ret2}},
		{"arm64", gWaiting, sp - 8, []uint64{parkPC, ret1, ret2}},
		{"amd64", gRunnable, sp + 16, []uint64{parkPC, caller, ret1, ret2}},
		{"arm64", gRunnable, sp - 8, []uint64{parkPC, caller, ret1, ret2}},
	} {
		t.Run(fmt.Sprintf("%s, status %d", c.arch, c.status), func(t *testing.T) {
			h := newHeap()
			h.layout.G.SchedLR = 88
			h.words[sp] = caller // of amd64
			h.words[c.fp], h.words[c.fp+8] = second, ret1
			h.words[second], h.words[second+8] = 0, ret2
			h.add(version{c.status, 7, parkPC})
			raw := h.gs[firstG][0]
			binary.LittleEndian.PutUint64(raw[h.layout.G.SchedBP:], c.fp)
			binary.LittleEndian.PutUint64(raw[h.layout.G.SchedLR:], caller) // of arm64
			gs := h.walkAll(t, c.arch)
			if len(gs) != 1 || !slices.Equal(gs[0].pcs, c.want) || !gs[0].whole ||
				gs[0].hasWord != (c.status == gRunnable) {
				t.Errorf("found %+v, want %#x", gs, c.want)
			}
		})
	}
}
