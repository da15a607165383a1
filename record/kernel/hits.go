package kernel

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gosched/gosched/bpf"
)

// TimedEvery is in one of how many runs the time is taken: see state.h.
const TimedEvery = 64

// Hits is how often the programs of a group ran since they were loaded, and how long that took.
type Hits struct {
	Count int64
	Timed int64 // of them, those whose time was taken
	NS    int64 // and its sum. The trap that comes before a probe's program is not in it
}

// openHits maps the counters of hits into memory, as those of losses are.
func (p *Probes) openHits() error {
	m, err := p.collection.Maps[bpf.GoschedMapHits].Memory()
	if err != nil {
		return fmt.Errorf("map hits into memory: %w", err)
	}
	p.hits = m
	return nil
}

// Hits are those of each group. Reading them takes no system call.
func (p *Probes) Hits() (of [NumGroups]Hits, err error) {
	const size = int(unsafe.Sizeof(bpf.GoschedHits{}))
	raw := make([]byte, p.hits.Size())
	if _, err := p.hits.ReadAt(raw, 0); err != nil {
		return of, fmt.Errorf("read hits: %w", err)
	}
	slots := len(raw) / size // the memory is whole pages
	for slot := range slots - slots%len(hitSlots) {
		h := &of[hitSlots[slot%len(hitSlots)]]
		at := raw[slot*size:]
		h.Count += int64(binary.NativeEndian.Uint64(at))
		h.Timed += int64(binary.NativeEndian.Uint64(at[8:]))
		h.NS += int64(binary.NativeEndian.Uint64(at[16:]))
	}
	return of, nil
}
