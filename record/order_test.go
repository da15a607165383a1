package record

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

func all(o *orderer) (out []event) {
	o.merge(math.MaxInt64 - 1)
	o.take(math.MaxInt64-1, func(e *event) { out = append(out, *e) }, func(int64, int64, *span) {})
	return out
}

func TestOrdererMergesRingsByTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	o := newOrderer(4, 0)
	var got []event
	take := func(to int64) {
		o.merge(to)
		o.take(to-50, func(e *event) { got = append(got, *e) }, func(int64, int64, *span) {})
	}
	const n = 20000
	for i := range int64(n) {
		ring := rng.IntN(4)
		late := int64(rng.IntN(20)) // rings are nearly in order
		o.push(ring, &event{op: op(gobin.OpRun), time: 1000 + 10*i - late, goid: i + 1})
		if i%100 == 99 {
			take(900 + 10*i)
		}
	}
	got = append(got, all(o)...)
	if len(got) != n {
		t.Fatalf("%d events came out of %d", len(got), n)
	}
	if !slices.IsSortedFunc(got, func(a, b event) int { return int(a.time - b.time) }) {
		t.Error("events are not in the order of time")
	}
	if o.late[0] != 0 {
		t.Errorf("%d events were late", o.late[0])
	}
}

func TestOrdererCountsEventsThatComeTooLate(t *testing.T) {
	o := newOrderer(1, 0)
	o.push(0, &event{op: op(gobin.OpRun), time: 100})
	o.merge(200)
	o.take(200, func(*event) {}, func(int64, int64, *span) {})
	o.push(0, &event{op: op(gobin.OpRun), time: 150})
	o.push(0, &event{op: op(gobin.OpRun), time: 250})
	if o.late[0] != 1 {
		t.Errorf("late is %d, want 1", o.late[0])
	}
	if got := all(o); len(got) != 1 {
		t.Errorf("%d events came out, want 1", len(got))
	}
}

func TestOrdererTakesLateEventsWhileTheirPlaceIsNotWritten(t *testing.T) {
	run := op(gobin.OpRun)
	o := newOrderer(1, 0)
	o.push(0, &event{op: run, time: 100})
	o.push(0, &event{op: run, time: 190})
	o.merge(200)
	var got []int64
	emit := func(e *event) { got = append(got, e.time) }
	o.take(110, emit, func(int64, int64, *span) {})
	o.push(0, &event{op: run, time: 105}) // before what has been taken
	o.push(0, &event{op: run, time: 150})
	o.push(0, &event{op: op(gobin.OpSyscallExit), time: 160}) // may have missed what completes it
	if o.late[0] != 2 {
		t.Errorf("late is %d, want 2", o.late[0])
	}
	o.take(300, emit, func(int64, int64, *span) {})
	if want := []int64{100, 150, 190}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOrdererDoesNotStretchARangeOverAGap(t *testing.T) {
	begin, end := op(gobin.OpSTWBegin), op(gobin.OpSTWEnd)
	o := newOrderer(1, 0)
	o.push(0, &event{op: begin, time: 100}) // its end is lost
	o.gap(&event{op: opGap, time: 110, byGoid: 150})
	o.push(0, &event{op: begin, time: 1000})
	o.push(0, &event{op: end, time: 1010})
	o.merge(5000)
	type known struct {
		begin, end int64
		lost       bool
	}
	var got []known
	o.take(5000, func(*event) {}, func(b, e int64, s *span) { got = append(got, known{b, e, s.lost}) })
	if want := []known{{100, 110, true}, {1000, 1010, false}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOrdererEndsAProcessWhereItEnds has a process end while the end of one of its ranges is not
// merged yet, and that of another never comes.
func TestOrdererEndsAProcessWhereItEnds(t *testing.T) {
	o := newOrderer(1, 0)
	o.start(50)
	o.push(0, &event{op: op(gobin.OpGCStart), time: 100})
	o.push(0, &event{op: op(gobin.OpSTWBegin), time: 110})
	o.merge(120)
	o.push(0, &event{op: op(gobin.OpGCEnd), time: 150})
	o.own(&event{op: opEnded, time: 200})
	o.merge(300)
	var got []span
	o.take(300, func(e *event) { t.Errorf("an event came out: %+v", e) },
		func(begin, end int64, s *span) {
			got = append(got, span{op: s.op, from: begin, end: end, lost: s.lost})
		})
	want := []span{
		{op: op(gobin.OpGCStart), from: 100, end: 150},
		{op: op(gobin.OpSTWBegin), from: 110, end: 200, lost: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOrdererFindsTheSlowWayOutOfASystemCall(t *testing.T) {
	exit, nop, enter := op(gobin.OpSyscallExit), op(gobin.OpSyscallNoP), op(gobin.OpSyscallEnter)
	for _, c := range []struct {
		name string
		in   []event
		want []op
	}{
		{"an exit that finds a P stays", []event{{op: exit, time: 1, goid: 7}}, []op{exit}},
		{"an exit without a P is one move", []event{{op: exit, time: 1, goid: 7}, {op: nop, time: 2, goid: 7}},
			[]op{opSyscallSlow}},
		{"others' events between do not matter", []event{{op: exit, time: 1, goid: 7}, {op: exit, time: 2, goid: 8},
			{op: nop, time: 3, goid: 7}}, []op{opSyscallSlow, exit}},
		{"only the last exit is meant", []event{{op: exit, time: 1, goid: 7}, {op: enter, time: 2, goid: 7},
			{op: exit, time: 3, goid: 7}, {op: nop, time: 4, goid: 7}}, []op{exit, enter, opSyscallSlow}},
		{"without its exit it stands alone", []event{{op: enter, time: 2, goid: 7}, {op: nop, time: 3, goid: 7}},
			[]op{enter, nop}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrderer(1, 0)
			for i := range c.in {
				o.push(0, &c.in[i])
			}
			var got []op
			for _, e := range all(o) {
				got = append(got, e.op)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

type piece struct {
	begin, end  int64
	begun, ends bool
}

func TestOrdererCutsRangesAtWhatIsKnown(t *testing.T) {
	begin, end := op(gobin.OpSTWBegin), op(gobin.OpSTWEnd)
	o := newOrderer(1, 0)
	var got []piece
	step := func(merge, take int64) {
		o.merge(merge)
		o.take(take, func(*event) {}, func(b, e int64, s *span) { got = append(got, piece{b, e, s.begun, s.end != 0}) })
	}
	o.push(0, &event{op: begin, time: 10})
	step(100, 50) // written up to 100
	step(120, 60) // nothing new
	o.push(0, &event{op: end, time: 130})
	step(150, 110) // the rest
	o.push(0, &event{op: begin, time: 200})
	o.push(0, &event{op: end, time: 210})
	o.push(0, &event{op: end, time: 220}) // its beginning was not seen
	step(300, 250)
	want := []piece{{10, 100, false, false}, {100, 130, true, true}, {200, 210, false, true}, {220, 220, false, true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestOrdererDropsTheSnapshotOfAGoroutineJustBeingCreated(t *testing.T) {
	o := newOrderer(1, 0)
	o.own(&event{op: opSnapshot, time: 10, goid: 7})
	o.own(&event{op: opSnapshot, time: 10, goid: 8})
	o.push(0, &event{op: op(gobin.OpCreate), time: 11, goid: 7})
	var got []event
	for _, e := range all(o) {
		got = append(got, event{op: e.op, goid: e.goid})
	}
	want := []event{{op: opSnapshot, goid: 8}, {op: op(gobin.OpCreate), goid: 7}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{byte(gobin.OpRun)})
	f.Add(append([]byte{byte(opThreadOff)}, make([]byte, threadBytes)...))
	f.Add(append([]byte{byte(opStack), 0, 3}, make([]byte, defBytes)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e event
		if err := decode(raw, &e); err == nil && len(raw) < baseBytes {
			t.Errorf("%d bytes made an event", len(raw))
		} else if err == nil && e.op >= opThreadOn && e.op <= opExec {
			if _, comm := threadText(raw); len(comm) > 16 {
				t.Errorf("a name of %d bytes", len(comm))
			}
		}
		if s, err := decodeSample(raw, 0); err == nil && len(s.PCs) > maxFrames {
			t.Errorf("%d frames of a sample", len(s.PCs))
		}
		if def, err := decodeStack(raw); err == nil && len(def.PCs) > maxFrames {
			t.Errorf("%d frames", len(def.PCs))
		}
	})
}

func TestAnEventThatCameTooLateIsInAGap(t *testing.T) {
	texts := newTexts(format.NewStrings(), nil, nil)
	r := &rows{batch: &format.Batch{}, full: func(b *format.Batch) *format.Batch { return b }}
	f := newFollower(0, r, texts, stacks.New(program{}, format.NewStrings(), format.NewStrings()))
	s := &session{order: newOrderer(1, 0)}
	s.join(&subject{in: s, follow: f, texts: texts})
	s.order.start(100)
	s.order.push(0, &event{op: op(gobin.OpRun), time: 50, goid: 1})
	s.tellLate(200)
	s.order.merge(200)
	s.order.take(200, f.emit, f.piece)
	if r.batch.Len() != 1 {
		t.Fatalf("%d rows, want a gap", r.batch.Len())
	}
	if e := r.batch.At(0); e.Kind != format.KindGap || e.TimeNS != 100 || e.EndNS != 200 || f.counts.Lost != 1 {
		t.Errorf("%+v with %d lost, want a gap from 100 to 200 with 1", e, f.counts.Lost)
	}
}

// room is how many events the orderer has memory for.
func (o *orderer) room() (n int) {
	n = cap(o.merged.events)
	for i := range o.queues {
		n += cap(o.queues[i].events)
	}
	return n
}

func TestOrdererGivesTheMemoryOfABurstBack(t *testing.T) {
	o := newOrderer(2, 0)
	var at int64
	came, out := 0, 0
	cycle := func(events, waits int) {
		for range events {
			at++
			came++
			o.push(came%2, &event{op: op(gobin.OpRun), time: at, goid: int64(came)})
		}
		to := at - int64(waits)
		o.merge(to)
		o.take(to-int64(waits), func(*event) { out++ }, func(int64, int64, *span) {})
	}
	for range 100 {
		cycle(1000, 500)
	}
	before := o.room()
	cycle(maxPending, maxPending/2)
	if burst := o.room(); burst < maxPending {
		t.Fatalf("there is room for %d events in a burst of %d", burst, maxPending)
	}
	for range 3 * roomLooks {
		cycle(1000, 500)
	}
	if after := o.room(); after > max(2*before, 2*3*leastRoom) {
		t.Errorf("room for %d events before a burst, and for %d after it", before, after)
	}
	for range 3 * roomLooks { // and for none but the least where nothing comes
		o.merge(at)
		o.take(at, func(*event) { out++ }, func(int64, int64, *span) {})
	}
	if idle := o.room(); idle > 3*2*leastRoom {
		t.Errorf("room for %d events where nothing comes", idle)
	}
	if out != came {
		t.Errorf("%d of %d events came out", out, came)
	}
}
