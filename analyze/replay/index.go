package replay

// index maps ids to slots by open addressing. Ids that are close together lie close together,
// because goroutine ids are handed out in runs and those of one run are used at the same time.
// The zero index is empty.
type index struct {
	entries []indexEntry
	n       int
}

type indexEntry struct {
	key  int64
	slot int32 // plus one; 0 is an empty entry
}

const noSlot = int32(-1)

func (x *index) home(key int64) int {
	h := uint64(key)
	return int((h + (h>>16)*0x9E3779B97F4A7C15) & uint64(len(x.entries)-1))
}

// find returns the slot of key or noSlot.
func (x *index) find(key int64) int32 {
	e := x.entries
	if len(e) == 0 {
		return noSlot
	}
	mask := len(e) - 1
	for i := x.home(key); ; i++ {
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
	i := x.home(key)
	for x.entries[i].slot != 0 {
		i = (i + 1) & mask
	}
	x.entries[i] = indexEntry{key, slot + 1}
	x.n++
}

func (x *index) grow() {
	old := x.entries
	x.entries = make([]indexEntry, max(64, 2*len(old)))
	x.n = 0
	for _, e := range old {
		if e.slot != 0 {
			x.put(e.key, e.slot-1)
		}
	}
}

// del removes key and moves the entries behind it up, so that no tombstones remain.
func (x *index) del(key int64) {
	if len(x.entries) == 0 {
		return
	}
	mask := len(x.entries) - 1
	i := x.home(key)
	for x.entries[i].slot != 0 && x.entries[i].key != key {
		i = (i + 1) & mask
	}
	if x.entries[i].slot == 0 {
		return
	}
	x.n--
	for j := (i + 1) & mask; x.entries[j].slot != 0; j = (j + 1) & mask {
		if home := x.home(x.entries[j].key); (j-home)&mask >= (j-i)&mask {
			x.entries[i] = x.entries[j]
			i = j
		}
	}
	x.entries[i] = indexEntry{}
}
