package record

import (
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

// twoSubjects is a session of two processes, and the rows that it makes.
func twoSubjects(t *testing.T) (*session, *rows) {
	t.Helper()
	r := &rows{batch: &format.Batch{}, full: func(b *format.Batch) *format.Batch { return b }}
	s := &session{order: newOrderer(2, 0)}
	for i := range uint16(2) {
		texts := newTexts(format.NewStrings(), nil, nil)
		f := newFollower(100+int32(i), r, texts, stacks.New(program{}, format.NewStrings(), format.NewStrings()))
		s.join(&subject{in: s, follow: f, texts: texts})
	}
	return s, r
}

// rowsOf merges everything and gives the rows of one process.
func (s *session) rowsOf(r *rows, number int) (out []format.Event) {
	s.order.merge(1 << 40)
	s.order.take(1<<40, s.emit, s.piece)
	for i := range r.batch.Len() {
		if e := r.batch.At(i); e.PID == s.subjects[number].follow.pid {
			out = append(out, e)
		}
	}
	return out
}

func TestLateEventsAreAGapOfTheirProcessAlone(t *testing.T) {
	s, r := twoSubjects(t)
	s.order.start(100)
	s.order.push(0, &event{op: op(gobin.OpRun), subject: 1, time: 50, goid: 1})
	s.tellLate(200)
	if gaps := s.rowsOf(r, 1); len(gaps) != 1 || gaps[0].Kind != format.KindGap || len(s.rowsOf(r, 0)) != 0 {
		t.Errorf("the process has %+v, the other %+v; want one gap", gaps, s.rowsOf(r, 0))
	}
	if a, b := s.subjects[0].follow.Counts(), s.subjects[1].follow.Counts(); a.Lost != 0 || b.Lost != 1 {
		t.Errorf("%d and %d events are lost; want 0 and 1", a.Lost, b.Lost)
	}
}

// TestGoroutinesOfOneIDStayApart has the same goroutine ids and ranges in two processes, where what
// happens to one would complete, end or drop the other's.
func TestGoroutinesOfOneIDStayApart(t *testing.T) {
	s, r := twoSubjects(t)
	for _, e := range []event{
		{op: opSnapshot, subject: 0, time: 10, goid: 1, tid: 5, flags: uint16(format.StateWaiting)},
		{op: op(gobin.OpCreate), subject: 1, time: 20, goid: 1}, // would drop the snapshot
		{op: op(gobin.OpSyscallExit), subject: 0, time: 30, goid: 2, tid: 5},
		{op: op(gobin.OpSyscallNoP), subject: 1, time: 40, goid: 2, tid: 6}, // would make that a slow one
		{op: op(gobin.OpGCStart), subject: 0, time: 50},
		{op: op(gobin.OpGCStart), subject: 1, time: 60}, // would leave the first open
		{op: op(gobin.OpGCEnd), subject: 0, time: 70},   // would end the second
		{op: op(gobin.OpGCEnd), subject: 1, time: 80},
	} {
		s.order.push(int(e.subject), &e)
	}
	want := [2][]format.Event{
		{
			{Kind: format.KindSnapshot, TimeNS: 10, To: format.StateWaiting},
			{Kind: format.KindGoroutine, TimeNS: 30, From: format.StateSyscall, To: format.StateRunning},
			{Kind: format.KindRange, TimeNS: 50, EndNS: 70, From: format.StateNotExist, To: format.StateNotExist},
		},
		{
			{Kind: format.KindGoroutine, TimeNS: 20, From: format.StateNotExist, To: format.StateRunnable},
			{Kind: format.KindGoroutine, TimeNS: 40, From: format.StateRunning, To: format.StateRunnable},
			{Kind: format.KindRange, TimeNS: 60, EndNS: 80, From: format.StateNotExist, To: format.StateNotExist},
		},
	}
	for number := range want {
		got := s.rowsOf(r, number)
		if len(got) != len(want[number]) {
			t.Fatalf("process %d has %d rows: %+v", number, len(got), got)
		}
		for i, w := range want[number] {
			g := got[i]
			if g.Kind != w.Kind || g.TimeNS != w.TimeNS || g.EndNS != w.EndNS || g.From != w.From || g.To != w.To {
				t.Errorf("process %d has the row %+v; want %+v", number, g, w)
			}
		}
	}
}

func TestTheCoarseClockOrdersEachProcessByItsOwnGoroutines(t *testing.T) {
	ties := newTies(4_000_000)
	ties.took(&event{op: op(gobin.OpReady), subject: 0, goid: 1}) // runnable in one process only
	run := event{op: op(gobin.OpRun), time: 5, goid: 1, subject: 1}
	park := event{op: op(gobin.OpPark), time: 5, goid: 1, subject: 0}
	if ties.states[park.key()] != format.StateRunnable || ties.states[run.key()] != format.StateUnknown {
		t.Errorf("the states are %v", ties.states)
	}
}
