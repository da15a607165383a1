package replay

import (
	"iter"
	"math/bits"

	"github.com/gosched/gosched/format"
)

// GoroutineID names a goroutine; a trace may hold several processes.
type GoroutineID struct {
	PID  int32
	GoID format.GoID
}

// ByGoroutine keeps what a pass remembers of goroutines that are alive, by open addressing: most
// spans are of a few goroutines, whose entries stay in the nearest cache. The zero ByGoroutine is
// empty. NoGoroutine is never in it.
type ByGoroutine[T any] struct {
	entries []byGoroutineEntry[T]
	shift   uint8 // 64 − log2(len(entries))
	n       int
}

type byGoroutineEntry[T any] struct {
	goid  format.GoID // NoGoroutine: an empty entry
	value *T
	pid   int32
}

// Len is the number of goroutines.
func (m *ByGoroutine[T]) Len() int { return m.n }

// home is where a goroutine belongs: those of a process in runs of their own.
func (m *ByGoroutine[T]) home(pid int32, goid format.GoID) int {
	return home(int64(goid)^int64(pid)<<32, m.shift)
}

// Find is what is kept of a goroutine, nil where nothing is.
func (m *ByGoroutine[T]) Find(pid int32, goid format.GoID) *T {
	mask := len(m.entries) - 1
	if mask < 0 || goid == format.NoGoroutine {
		return nil
	}
	for i := m.home(pid, goid); ; i++ {
		e := &m.entries[i&mask]
		if e.goid == goid && e.pid == pid || e.goid == format.NoGoroutine {
			return e.value
		}
	}
}

// Put keeps the value of a goroutine of which nothing is kept yet.
func (m *ByGoroutine[T]) Put(pid int32, goid format.GoID, value *T) {
	if 3*(m.n+1) > 2*len(m.entries) {
		m.grow()
	}
	m.n++
	m.place(byGoroutineEntry[T]{goid, value, pid})
}

func (m *ByGoroutine[T]) place(e byGoroutineEntry[T]) {
	mask := len(m.entries) - 1
	i := m.home(e.pid, e.goid)
	for m.entries[i].goid != format.NoGoroutine {
		i = (i + 1) & mask
	}
	m.entries[i] = e
}

func (m *ByGoroutine[T]) grow() {
	old := m.entries
	m.entries = make([]byGoroutineEntry[T], max(64, 2*len(old)))
	m.shift = uint8(65 - bits.Len(uint(len(m.entries))))
	for _, e := range old {
		if e.goid != format.NoGoroutine {
			m.place(e)
		}
	}
}

// Drop forgets a goroutine that is there, and moves the entries behind it up, so that no tombstones
// remain.
func (m *ByGoroutine[T]) Drop(pid int32, goid format.GoID) {
	mask := len(m.entries) - 1
	i := m.home(pid, goid)
	for m.entries[i].goid != goid || m.entries[i].pid != pid {
		i = (i + 1) & mask
	}
	m.n--
	for j := (i + 1) & mask; m.entries[j].goid != format.NoGoroutine; j = (j + 1) & mask {
		e := &m.entries[j]
		if (j-m.home(e.pid, e.goid))&mask >= (j-i)&mask {
			m.entries[i], i = *e, j
		}
	}
	m.entries[i] = byGoroutineEntry[T]{}
}

// All are the goroutines, in no order that means anything but the same one for the same trace.
func (m *ByGoroutine[T]) All() iter.Seq2[GoroutineID, *T] {
	return func(yield func(GoroutineID, *T) bool) {
		for i := range m.entries {
			e := &m.entries[i]
			if e.goid != format.NoGoroutine && !yield(GoroutineID{e.pid, e.goid}, e.value) {
				return
			}
		}
	}
}
