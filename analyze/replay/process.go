package replay

import (
	"math"

	"github.com/gosched/gosched/format"
)

// goroutine is what the walk knows of a goroutine that is alive: the open span.
type goroutine struct {
	begin    int64
	stopNS   int64 // the process's occupancy clocks at begin, for runnable goroutines
	fullNS   int64
	id       format.GoID // NoGoroutine in a free slot
	byGoID   format.GoID
	reason   format.StringID
	stack    format.StringID
	byStack  format.StringID
	waited   format.StringID
	entry    EntryID
	tid, cpu int32
	proc     int32
	state    format.State // StateUnknown: not seen since the last gap
	why      Why
	flags    Flags
}

// process is what the walk knows of a process.
type process struct {
	pid    int32
	since  int64 // every goroutine that is not known yet has been in its state since then
	gapEnd int64 // events before it may have been lost

	model      *model
	goroutines index // goid → slots
	slots      []goroutine
	free       []int32
	unseen     int // slots whose state is unknown
	peak       int // the most slots in use

	procs      []format.GoID // who runs on each P, as far as seen
	checkProcs bool
	exitUnseen bool
	maxStack   int

	occ     occupancy
	threads index // tid → threadSlots
	thread  []thread
}

func newProcess(pid int32, meta *format.Metadata) *process {
	p := &process{pid: pid, gapEnd: math.MinInt64, since: math.MinInt64}
	var info format.Process
	if meta != nil {
		p.maxStack = meta.MaxStackDepth
		for i := range meta.Processes {
			if meta.Processes[i].PID == pid {
				info = meta.Processes[i]
			}
		}
	}
	p.model = newModel(info.Coverage)
	p.checkProcs = p.model.occupiesWhole()
	p.exitUnseen = p.model.missing["exit"]
	p.occ = occupancy{limit: info.GOMAXPROCS, stopEnd: math.MaxInt64}
	return p
}

// find returns the goroutine, or nil. The pointer is valid until the next add.
func (p *process) find(id format.GoID) *goroutine {
	if slot := p.goroutines.find(int64(id)); slot >= 0 {
		return &p.slots[slot]
	}
	return nil
}

// add makes a goroutine whose state is unknown.
func (p *process) add(id format.GoID) *goroutine {
	slot := int32(len(p.slots))
	if n := len(p.free); n > 0 {
		slot, p.free = p.free[n-1], p.free[:n-1]
	} else {
		p.slots = append(p.slots, goroutine{})
	}
	p.goroutines.put(int64(id), slot)
	p.slots[slot] = goroutine{id: id, tid: format.Unknown, cpu: format.Unknown, proc: format.Unknown}
	p.unseen++
	p.peak = max(p.peak, p.alive())
	return &p.slots[slot]
}

// drop forgets a goroutine.
func (p *process) drop(g *goroutine) {
	if g.state == format.StateUnknown {
		p.unseen--
	}
	slot := p.goroutines.find(int64(g.id))
	p.goroutines.del(int64(g.id))
	*g = goroutine{}
	p.free = append(p.free, slot)
}

func (p *process) alive() int { return len(p.slots) - len(p.free) }

// maxUnseen bounds how many goroutines are remembered by their entry function alone over gaps.
const maxUnseen = 1 << 16

// forgetUnseen drops goroutines that were not seen since the last gap, when there are too many to remember.
func (p *process) forgetUnseen() {
	if p.unseen <= maxUnseen+p.alive()-p.unseen {
		return
	}
	for i := range p.slots {
		if g := &p.slots[i]; g.id != format.NoGoroutine && g.state == format.StateUnknown {
			p.drop(g)
		}
	}
}

// maxProcs bounds the table of Ps; the Go runtime has no more than that many threads with a P anywhere.
const maxProcs = 1 << 16

// occupy notes that g runs on proc and returns who the model thought was running there, if it was another.
func (p *process) occupy(proc int32, id format.GoID) (other format.GoID) {
	if uint32(proc) >= maxProcs {
		return format.NoGoroutine
	}
	if int(proc) >= len(p.procs) {
		p.procs = append(p.procs, make([]format.GoID, int(proc)+1-len(p.procs))...)
	}
	other, p.procs[proc] = p.procs[proc], id
	if other == id {
		return format.NoGoroutine
	}
	return other
}

// vacate notes that g runs on proc no more.
func (p *process) vacate(proc int32, id format.GoID) {
	if int(uint32(proc)) < len(p.procs) && p.procs[proc] == id {
		p.procs[proc] = format.NoGoroutine
	}
}
