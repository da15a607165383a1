package simsched

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/gosched/gosched/format"
)

// Sampling says how to look at a schedule.
type Sampling struct {
	Seed  uint64
	Every float64 // nanoseconds from one round to the next, on average
	Nth   int32   // of the goroutines a round reads every so manieth; 0: each
}

// sampler sees a schedule go by.
type sampler struct {
	Sampling
	rng  *rand.Rand
	next int64
	out  *format.Memory
	pids map[int32]map[format.GoID]format.Event // who is alive, as it would be found
}

// Rounds is what rounds at random instants would find of a schedule, as a trace that was sampled
// without probes.
func Rounds(of *Trace, s Sampling) *format.Memory {
	meta := of.meta
	meta.Source, meta.GoroutineSampling = format.SourceMemory, &format.GoroutineSampling{RatePerS: 1e9 / s.Every}
	meta.Processes = slices.Clone(meta.Processes)
	for i := range meta.Processes {
		meta.Processes[i].Coverage = format.CoverAllBut("sampled", format.Transitions()...)
	}
	x := &sampler{Sampling: s, rng: rand.New(rand.NewPCG(s.Seed, 9)), next: start, out: format.NewMemory(meta),
		pids: map[int32]map[format.GoID]format.Event{}}
	x.wait()
	last := int64(start)
	for _, b := range of.batches {
		for i := range b.TimeNS {
			for x.next < b.TimeNS[i] {
				x.look(of)
			}
			x.move(b.At(i))
			last = b.TimeNS[i]
		}
	}
	x.out.Meta.EndNS = last
	return x.out
}

func (x *sampler) wait() { x.next += 1 + int64(x.rng.ExpFloat64()*x.Every) }

// look makes a round of each process.
func (x *sampler) look(of *Trace) {
	for _, pid := range slices.Sorted(maps.Keys(x.pids)) {
		e := format.NoEvent
		e.Kind, e.TimeNS, e.EndNS, e.PID, e.Weight = format.KindRound, x.next, x.next, pid, x.Nth
		x.out.Append(e)
		for i, id := range slices.Sorted(maps.Keys(x.pids[pid])) {
			g := x.pids[pid][id]
			if nth := int(cmp.Or(x.Nth, 1)); i%nth != x.rng.IntN(nth) && nth > 1 {
				continue
			}
			g.TimeNS, g.Weight = x.next, x.Nth
			g.Reason = x.out.Reasons().Intern(of.reasons.Lookup(g.Reason))
			g.Stack = x.out.Stacks().Intern(of.stacks.Lookup(g.Stack))
			x.out.Append(g)
		}
	}
	x.wait()
}

// move keeps where a goroutine is now. One that runs has the stack of its entry function.
func (x *sampler) move(e format.Event) {
	if e.Kind != format.KindGoroutine {
		return
	}
	alive := x.pids[e.PID]
	if alive == nil {
		alive = map[format.GoID]format.Event{}
		x.pids[e.PID] = alive
	}
	if e.To == format.StateNotExist {
		delete(alive, e.GoID)
		return
	}
	now := format.NoEvent
	now.Kind, now.PID, now.GoID, now.To, now.Stack = format.KindSnapshot, e.PID, e.GoID, e.To, e.Stack
	if e.To == format.StateWaiting {
		now.Reason = e.Reason
	}
	if now.Stack == format.NullString {
		now.Stack = alive[e.GoID].Stack
	}
	alive[e.GoID] = now
}
