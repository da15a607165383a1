package snapshot

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/record/target"
)

const (
	// maxHole is how much memory that nobody asked for is read to make one range of two: for each
	// range the kernel takes a lock of the process's, which costs as much as some kilobytes.
	maxHole = 2 << 10
	// maxMerged is how long ranges become.
	maxMerged = 64 << 10
)

// merger reads ranges of memory of which many lie close to each other.
type merger struct {
	order []int  // the ranges by their addresses
	runs  []run  // what is read
	room  []byte // where to
	reads []target.Range
}

// run is neighbouring ranges that are read as one.
type run struct {
	first, end  int // in order
	addr, bytes uint64
}

// read reads ranges as Memory.ReadMany does, but into room of its own: it sets their Buf, which is
// valid until the next call.
func (m *merger) read(mem Memory, ranges []target.Range) error {
	m.plan(ranges)
	total := uint64(0)
	for _, r := range m.runs {
		total += r.bytes
	}
	m.room = slices.Grow(m.room[:0], int(total))[:total]
	m.reads = m.reads[:0]
	for at, i := uint64(0), 0; i < len(m.runs); i++ {
		m.reads = append(m.reads, target.Range{Addr: m.runs[i].addr, Buf: m.room[at : at+m.runs[i].bytes]})
		at += m.runs[i].bytes
	}
	if err := mem.ReadMany(m.reads); err != nil {
		return err
	}
	for i := range m.runs {
		if err := m.share(mem, &m.runs[i], &m.reads[i], ranges); err != nil {
			return err
		}
	}
	return nil
}

// plan finds out what is read at once.
func (m *merger) plan(ranges []target.Range) {
	m.order, m.runs = m.order[:0], m.runs[:0]
	for i := range ranges {
		ranges[i].OK = len(ranges[i].Buf) == 0
		if !ranges[i].OK {
			m.order = append(m.order, i)
		}
	}
	slices.SortFunc(m.order, func(a, b int) int { return cmp.Compare(ranges[a].Addr, ranges[b].Addr) })
	for at, i := range m.order {
		addr, bytes := ranges[i].Addr, uint64(len(ranges[i].Buf))
		if n := len(m.runs); n > 0 {
			r := &m.runs[n-1]
			if last := max(r.addr+r.bytes, addr+bytes); addr <= r.addr+r.bytes+maxHole && last-r.addr <= maxMerged {
				r.end, r.bytes = at+1, last-r.addr
				continue
			}
		}
		m.runs = append(m.runs, run{at, at + 1, addr, bytes})
	}
}

// share gives each range its part of what was read. Where that is not all there, each is read by
// itself.
func (m *merger) share(mem Memory, r *run, whole *target.Range, ranges []target.Range) error {
	for _, i := range m.order[r.first:r.end] {
		at := ranges[i].Addr - r.addr
		ranges[i].Buf, ranges[i].OK = whole.Buf[at:at+uint64(len(ranges[i].Buf))], whole.OK
		if whole.OK || r.end-r.first == 1 {
			continue
		}
		if err := mem.ReadMany(ranges[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
