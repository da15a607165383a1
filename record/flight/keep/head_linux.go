package keep

import (
	"bufio"
	"fmt"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// headName is the name of the file with the head that is to stand for the segments up to a number.
func headName(number int) string { return fmt.Sprintf("gosched-%06d%s", number, headEnd) }

// makeHead writes how things stand after the last segment, if it is time to.
func (k *Keeper) makeHead(now time.Time) {
	every := min(k.config.Keep/headPart, maxHeadEvery)
	if !k.moved || k.states.last == 0 || now.Sub(k.headed) < every && !k.headless {
		return
	}
	k.headed, k.moved, k.headless = now, false, false
	h := &head{number: k.number - 1, atNS: k.states.last}
	var err error
	if h.bytes, err = k.writeHead(h); err != nil {
		k.count(func(c *flight.Counts) { c.Unwritten++ })
		return
	}
	k.heads = append(k.heads, h)
}

func (k *Keeper) writeHead(h *head) (bytes int64, err error) {
	name := headName(h.number)
	f, err := k.folder.create(name + tempEnd)
	if err != nil {
		return 0, err
	}
	rows, told := k.states.rows()
	meta := k.meta
	meta.StartNS, meta.Snapshots = h.atNS, told
	meta.Processes = k.limited(meta.Processes)
	buf := bufio.NewWriterSize(f, 1<<16)
	if bytes, err = k.segs.Head(buf, rows, meta, h.number); err == nil {
		err = buf.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = k.folder.root.Rename(name+tempEnd, name)
	}
	if err != nil {
		k.folder.root.Remove(name + tempEnd)
	}
	return bytes, err
}

// limited has processes have the limits that hold now.
func (k *Keeper) limited(processes []format.Process) []format.Process {
	out := append([]format.Process(nil), processes...)
	for i := range out {
		p, ok := k.states.processes[out[i].PID]
		if !ok {
			continue
		}
		for _, e := range p.limits {
			switch l, _ := format.ParseLimit(k.states.reasons.Lookup(e.Reason)); l.Name {
			case format.LimitProcs:
				out[i].GOMAXPROCS = int(l.Value)
			case format.LimitQuota:
				out[i].CPUQuota = l.Value
			}
		}
	}
	return out
}

// drop lets go of what is older than what is to be kept, or beyond its bytes.
func (k *Keeper) drop() {
	for len(k.heads) > 0 && k.heads[0].atNS <= k.upTo-int64(k.config.Keep) {
		k.promote()
	}
	for k.bytes() > k.config.KeepBytes && len(k.heads) > 0 && k.heads[0].number < k.number-1 {
		k.promote()
	}
	k.headless = k.bytes() > k.config.KeepBytes
	if k.headless && k.bytes() > k.config.KeepBytes+k.config.KeepBytes/headPart {
		k.forget()
	}
}

// promote has the next head begin what is kept. Old files go first, so that there is no moment at
// which a head seems to be what came after an older one.
func (k *Keeper) promote() {
	next := k.heads[0]
	if k.head != nil {
		k.remove(k.head.number)
	}
	for len(k.kept) > 0 && k.kept[0].number <= next.number {
		if k.kept[0].number < next.number {
			k.remove(k.kept[0].number)
		}
		k.kept = k.kept[1:]
		k.count(func(c *flight.Counts) { c.Dropped++ })
	}
	if err := k.folder.root.Rename(headName(next.number), format.SegmentName(next.number)); err != nil {
		k.remove(next.number) // it would be a segment without those before it
	}
	k.head, k.heads = next, k.heads[1:]
}

func (k *Keeper) remove(number int) {
	k.folder.root.Remove(format.SegmentName(number)) // what is not there is not there
}

// makeRoom drops a part of what is kept because the disk is full.
func (k *Keeper) makeRoom() {
	if len(k.heads) > 0 {
		k.promote()
		return
	}
	k.forget()
}

// forget drops all that is kept: not even a head could be made that says how things stand after a
// part of it.
func (k *Keeper) forget() {
	for _, s := range k.kept {
		k.remove(s.number)
		k.count(func(c *flight.Counts) { c.Dropped++ })
	}
	if k.head != nil {
		k.remove(k.head.number)
	}
	for _, h := range k.heads {
		k.folder.root.Remove(headName(h.number))
	}
	k.kept, k.head, k.heads = nil, nil, nil
}

// bytes is how large what is kept is.
func (k *Keeper) bytes() (n int64) {
	for _, s := range k.kept {
		n += s.bytes
	}
	for _, h := range k.heads {
		n += h.bytes
	}
	if k.head != nil {
		n += k.head.bytes
	}
	return n
}

// beginsNS is when what is kept begins.
func (k *Keeper) beginsNS() int64 {
	switch {
	case k.head != nil:
		return k.head.atNS
	case len(k.kept) > 0 && k.kept[0].number > 1:
		return k.kept[0].first
	}
	return k.meta.StartNS
}

// tell brings the counts up to date.
func (k *Keeper) tell() {
	bytes, known := k.bytes(), int64(k.states.alive())
	k.count(func(c *flight.Counts) {
		c.KeptNS, c.KeptBytes, c.KeptSegments, c.Goroutines = k.upTo-k.beginsNS(), bytes, int64(len(k.kept)), known
	})
}
