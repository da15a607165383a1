package replay

import (
	"math"

	"github.com/gosched/gosched/format"
)

// process is what the walk knows of a process.
type process struct {
	pid    int32
	since  int64 // every goroutine that is not known yet has been in its state since then
	gapEnd int64 // events before it may have been lost
	gapNS  int64 // the time in gaps so far

	model      *model
	goroutines table

	procs      []format.GoID // who runs on each P, as far as seen
	checkProcs bool
	exitUnseen bool
	wantDelay  bool
	maxStack   int

	occ     occupancy
	threads index // tid → threadSlots
	thread  []thread
}

func newProcess(pid int32, meta *format.Metadata, wants Wants) *process {
	p := &process{pid: pid, gapEnd: math.MinInt64, since: math.MinInt64}
	p.maxStack = meta.MaxStackDepth
	var info format.Process
	for i := range meta.Processes {
		if meta.Processes[i].PID == pid {
			info = meta.Processes[i]
		}
	}
	p.model = newModel(info.Coverage, wants)
	p.checkProcs = p.model.occupiesWhole()
	p.exitUnseen = p.model.missing["exit"]
	p.wantDelay = wants.Delay && !p.model.missing["kernel"]
	p.goroutines.withDetails = wants.Details
	p.occ = occupancy{limit: info.GOMAXPROCS, stopEnd: math.MaxInt64}
	return p
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

// stopRun notes that g, which ran, does so no more.
func (p *process) stopRun(g *goroutine, t int64) {
	p.occ.run(t, -1)
	if int(uint32(g.proc)) < len(p.procs) && p.procs[g.proc] == g.id {
		p.procs[g.proc] = format.NoGoroutine
	}
}
