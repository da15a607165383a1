package snapshot

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
	moves  uint64 // a word that is another at each reading

	threads map[int32]int32 // their numbers by those that they have themselves
	listed  int             // how often they were asked for
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
			if r.Addr+uint64(at) == h.moves {
				h.words[h.moves]++
			}
			binary.LittleEndian.PutUint64(r.Buf[at:], h.words[r.Addr+uint64(at)])
		}
	}
	return nil
}

// reader reads the heap, with a clock that steps at each look.
func (h *heap) reader(arch string) *Reader {
	clock := int64(0)
	return &Reader{
		mem: h, layout: &h.layout, allgs: allgsAt, now: func() int64 { clock += 10; return clock },
		ending: func(pc uint64) bool { return pc == exitPC }, belowSP: belowSP(arch),
		threads: func() (map[int32]int32, error) { h.listed++; return h.threads, nil },
	}
}

// walkAll reads all of the heap.
func (h *heap) walkAll(t *testing.T, arch string) (out []Goroutine) {
	t.Helper()
	if err := h.reader(arch).Each(func(gs []Goroutine) { out = append(out, gs...) }); err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	isRunnable = format.StateRunnable
	isRunning  = format.StateRunning
	isSyscall  = format.StateSyscall
	isWaiting  = format.StateWaiting
)

func TestReaderTellsWhatIsAlive(t *testing.T) {
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
				if len(gs) != 1 || gs[0].ID != 9 {
					t.Errorf("found %+v, want goroutine 9 alone", gs)
				}
				return
			}
			if len(gs) != 2 || gs[0].ID != 7 || gs[0].State() != c.state || gs[0].Fresh != c.fresh ||
				len(gs[0].Stack.PCs) > 0 != c.stack {
				t.Fatalf("found %+v, want goroutine 7 %v, fresh %v, with a stack %v", gs, c.state, c.fresh, c.stack)
			}
			if gs[0].Before >= gs[0].After {
				t.Errorf("read between %d and %d", gs[0].Before, gs[0].After)
			}
		})
	}
}

func TestReaderReadsManyInBatches(t *testing.T) {
	h := newHeap()
	const n = 3*batchSize + 1
	for i := range int64(n) {
		h.add(version{gWaiting, i + 1, parkPC})
	}
	gs := h.walkAll(t, "amd64")
	ids := make([]int64, len(gs))
	for i := range gs {
		ids[i] = gs[i].ID
	}
	if len(slices.Compact(ids)) != n {
		t.Errorf("%d goroutines were found, want %d", len(ids), n)
	}
	if gs[0].After > gs[n-1].Before {
		t.Error("the last was read before the first")
	}
}

// TestReaderFollowsFrames walks a stack of two frames as each processor lays it out.
func TestReaderFollowsFrames(t *testing.T) {
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
			if len(gs) != 1 || !slices.Equal(gs[0].Stack.PCs, c.want) || !gs[0].Stack.Whole ||
				gs[0].Stack.HasWord != (c.status == gRunnable) {
				t.Errorf("found %+v, want %#x", gs, c.want)
			}
		})
	}
}

// TestAStackThatChangesWhileItIsReadIsNotKnown has a goroutine run and stop again between the readings
// of its stack: its struct says the same all the time.
func TestAStackThatChangesWhileItIsReadIsNotKnown(t *testing.T) {
	const frame = stackTop - 32
	for _, c := range []struct {
		name  string
		moves uint64
		known bool
	}{
		{"nothing", 0, true}, {"a return address", frame + 8, false}, {"below its frames", stackTop - 72, true},
		{"above its frames", frame + 16, true},
	} {
		for _, status := range []uint32{gWaiting, gSyscall} {
			h := newHeap()
			h.moves, h.words[frame+8] = c.moves, 0x1234
			h.add(version{status, 7, parkPC})
			l, raw := &h.layout.G, h.gs[firstG][0]
			for _, fields := range [][3]int32{
				{l.SchedSP, l.SchedPC, l.SchedBP}, {l.SyscallSP, l.SyscallPC, l.SyscallBP},
			} {
				for i, value := range []uint64{stackTop - 64, parkPC, frame} {
					binary.LittleEndian.PutUint64(raw[fields[i]:], value)
				}
			}
			gs := h.walkAll(t, "amd64")
			if len(gs) != 1 || len(gs[0].Stack.PCs) == 2 != c.known || len(gs[0].Stack.PCs) > 0 != c.known {
				t.Errorf("%s changes, status %d: found %+v; known: %v", c.name, status, gs, c.known)
			}
		}
	}
}

func TestBeginReadsWhatItSkipsLast(t *testing.T) {
	for _, c := range []struct{ all, skip int }{
		{0, 0}, {0, 3}, {1, 1}, {5, 0}, {5, 2}, {5, 5}, {5, 9}, {2*batchSize + 3, batchSize + 1},
	} {
		h := newHeap()
		for i := range c.all {
			h.add(version{gWaiting, int64(i + 1), parkPC})
		}
		reading, err := h.reader("amd64").Begin(c.skip)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for reading.Unread() > 0 {
			gs, err := reading.Next()
			if err != nil {
				t.Fatal(err)
			}
			for i := range gs {
				got = append(got, gs[i].ID)
			}
			if reading.Looked() != len(got) || reading.Found != int64(len(got)) {
				t.Fatalf("of %d it looked at %d and found %d", len(got), reading.Looked(), reading.Found)
			}
		}
		for i, id := range got {
			if want := int64((i+min(c.skip, c.all))%c.all + 1); id != want {
				t.Errorf("%d of which %d are skipped: the one at %d is %d, want %d", c.all, c.skip, i, id, want)
				break
			}
		}
		if len(got) != c.all {
			t.Errorf("%d of which %d are skipped: %d were found", c.all, c.skip, len(got))
		}
	}
}

// TestThreadsAreNumberedAsWanted has goroutines on threads that come one by one.
func TestThreadsAreNumberedAsWanted(t *testing.T) {
	h := newHeap()
	h.threads = map[int32]int32{11: 111, 12: 112}
	l := &h.layout
	for i, own := range []uint64{11, 12, 13} { // nobody knows the last
		h.add(version{gRunning, int64(i + 1), parkPC})
		g, m := uint64(firstG+apart*i), uint64(0x500000+apart*i)
		binary.LittleEndian.PutUint64(h.gs[g][0][l.G.M:], m)
		h.words[m+uint64(l.M.ProcID)], h.words[m+uint64(l.M.CurG)] = own, g
	}
	h.add(version{gWaiting, 9, parkPC})
	gs := h.walkAll(t, "amd64")
	var tids []int32
	for i := range gs {
		tids = append(tids, gs[i].TID)
	}
	if want := []int32{111, 112, format.Unknown, format.Unknown}; !slices.Equal(tids, want) {
		t.Errorf("the threads are %d, want %d", tids, want)
	}
	if h.listed != 1 {
		t.Errorf("the threads were asked for %d times", h.listed)
	}
}
