package record

import (
	"math/rand/v2"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// scheduled makes up a schedule of goroutines on CPUs: n events in the order in which they happen,
// one a microsecond.
func scheduled(rng *rand.Rand, n, cpus, goroutines int) []event {
	next := map[format.State][]gobin.Op{
		format.StateRunnable: {gobin.OpRun},
		format.StateRunning:  {gobin.OpPark, gobin.OpYield, gobin.OpSyscallEnter},
		format.StateWaiting:  {gobin.OpReady},
		format.StateSyscall:  {gobin.OpSyscallExit},
	}
	states, on := make([]format.State, goroutines), make([]int, goroutines)
	for g := range states {
		states[g] = format.StateRunnable
	}
	busy := make([]bool, cpus)
	var out []event
	for len(out) < n {
		g, cpu := rng.IntN(goroutines), rng.IntN(cpus)
		ops := next[states[g]]
		do := ops[rng.IntN(len(ops))]
		switch {
		case states[g] == format.StateRunnable && busy[cpu]:
			continue
		case states[g] == format.StateRunning || states[g] == format.StateSyscall:
			cpu = on[g]
		}
		states[g], on[g] = moves[do].to, cpu
		busy[cpu] = states[g] == format.StateRunning || states[g] == format.StateSyscall || do == gobin.OpReady &&
			busy[cpu]
		out = append(out, event{op: op(do), goid: int64(g + 1), cpu: uint16(cpu), time: int64(len(out)+1) * 1000})
	}
	return out
}

// contradictions counts moves that do not begin where the goroutine's last one ended.
func contradictions(events []event) (n int) {
	states := map[int64]format.State{}
	for i := range events {
		m := moveOf(&events[i])
		if have, known := states[events[i].goid]; known && have != m.from {
			n++
		}
		states[events[i].goid] = m.to
	}
	return n
}

// TestEventsOfOneTimeComeInAnOrderThatCanBe gives the events of a schedule on four CPUs the times
// of a coarse clock. The more of them have one time, the less can be known.
func TestEventsOfOneTimeComeInAnOrderThatCanBe(t *testing.T) {
	events := scheduled(rand.New(rand.NewPCG(1, 2)), 20_000, 4, 40)
	if n := contradictions(events); n > 0 {
		t.Fatalf("the schedule contradicts itself %d times", n)
	}
	for _, test := range []struct {
		perStep int64   // events with one time
		left    float64 // of the contradictions by time alone, at most this part
	}{{3, 0}, {10, 0.05}, {100, 0.5}} {
		step := test.perStep * 1000
		ordered := func(clockStepNS int64) []event {
			o := newOrderer(4, 0)
			o.ties = newTies(clockStepNS)
			for _, e := range events {
				e.time = e.time / step * step
				o.push(int(e.cpu), &e)
			}
			return all(o)
		}
		guessed, better := contradictions(ordered(1)), contradictions(ordered(step))
		t.Logf("%d events a step: %d of %d contradict the one before by time alone, %d with ties",
			test.perStep, guessed, len(events), better)
		if guessed == 0 || float64(better) > test.left*float64(guessed) {
			t.Errorf("%d contradictions are left of %d", better, guessed)
		}
	}
}

func TestOrderWithinARingIsKeptInATie(t *testing.T) {
	o := newOrderer(2, 0)
	o.ties = newTies(4_000_000)
	for i, do := range []gobin.Op{gobin.OpRun, gobin.OpPark, gobin.OpRun} {
		o.push(0, &event{op: op(do), goid: 1, time: 100, tid: int32(i)})
	}
	o.push(1, &event{op: op(gobin.OpReady), goid: 1, time: 100, tid: 9})
	var got []int32
	for _, e := range all(o) {
		got = append(got, e.tid)
	}
	if want := []int32{0, 1, 9, 2}; len(got) != 4 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] ||
		got[3] != want[3] {
		t.Errorf("order %v, want %v", got, want)
	}
}
