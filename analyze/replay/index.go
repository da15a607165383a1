package replay

import "math/bits"

// index maps ids to slots by open addressing. The zero index is empty.
type index struct {
	entries []indexEntry
	shift   uint8 // 64 − log2(len(entries))
	n       int
}

type indexEntry struct {
	key  int64
	slot int32 // plus one; 0 is an empty entry
}

const noSlot = int32(-1)

// find returns the slot of key or noSlot.
func (x *index) find(key int64) int32 {
	e := x.entries
	if len(e) == 0 {
		return noSlot
	}
	mask := len(e) - 1
	for i := home(key, x.shift); ; i++ {
		p := &e[i&mask]
		if p.key == key || p.slot == 0 {
			return p.slot - 1
		}
	}
}

// put adds a key that is not there yet.
func (x *index) put(key int64, slot int32) {
	if 4*(x.n+1) > 3*len(x.entries) {
		x.grow()
	}
	mask := len(x.entries) - 1
	i := home(key, x.shift)
	for x.entries[i].slot != 0 {
		i = (i + 1) & mask
	}
	x.entries[i] = indexEntry{key, slot + 1}
	x.n++
}

func (x *index) grow() {
	old := x.entries
	x.entries = make([]indexEntry, max(64, 2*len(old)))
	x.shift = uint8(65 - bits.Len(uint(len(x.entries))))
	x.n = 0
	for _, e := range old {
		if e.slot != 0 {
			x.put(e.key, e.slot-1)
		}
	}
}
