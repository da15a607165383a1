package replay_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// eventBytes is how many bytes of fuzz data make an event.
const eventBytes = 12

// fuzzMissing may be missing from the trace, by the bits of the first byte.
var fuzzMissing = [8]format.Transition{format.TransitionCreate, format.TransitionRun, format.TransitionPark,
	format.TransitionReady, format.TransitionYield, format.TransitionExit, format.TransitionSyscalls,
	format.TransitionKernel}

// fuzzTrace makes a trace of any bytes: few ids, so that events meet, and now and then a wild one.
func fuzzTrace(data []byte) *format.Memory {
	meta := format.Metadata{StartNS: 1000, Processes: []format.Process{{PID: 1, GOMAXPROCS: 2,
		Coverage: format.FullCoverage()}}}
	if len(data) > 0 {
		var missing []format.Transition
		for i, t := range fuzzMissing {
			if data[0]>>i&1 != 0 {
				missing = append(missing, t)
			}
		}
		meta.Processes[0].Coverage = format.CoverAllBut("", missing...)
		data = data[1:]
	}
	trace := format.NewMemory(meta)
	for _, s := range []string{"preempted", "runtime.Gosched", "stop-the-world (fuzz)", "stopped", "GOMAXPROCS 1"} {
		trace.Reasons().Intern(s)
		trace.Stacks().Intern("main." + s + " /f.go:1;main.g[struct { X int; Y int }] /f.go:2")
	}
	now := int64(1000)
	for ; len(data) >= eventBytes; data = data[eventBytes:] {
		now += int64(data[0])
		trace.Append(fuzzEvent(data, now))
	}
	return trace
}

func fuzzEvent(data []byte, now int64) format.Event {
	wild := func(b byte) int32 {
		if b == 0xff {
			return int32(binary.LittleEndian.Uint32(data[4:]))
		}
		return int32(b%5) - 1
	}
	e := format.NoEvent
	e.TimeNS, e.EndNS, e.Kind = now, now+int64(int8(data[1])), format.Kind(data[2]%6)
	if data[1] == 0xff {
		e.TimeNS = int64(binary.LittleEndian.Uint64(data[4:]))
	}
	e.PID, e.TID, e.Proc, e.CPU = wild(data[3])%3, wild(data[4]), wild(data[5]), wild(data[6])
	e.GoID, e.ByGoID = format.GoID(wild(data[7])), format.GoID(wild(data[8]))
	e.From, e.To = format.State(data[9]%6), format.State(data[9]/6%6)
	e.Reason, e.Stack = format.StringID(data[10]%6), format.StringID(data[11]%6)
	return e
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte{})
	for seed := range byte(8) {
		data := []byte{seed}
		for i := range 40 * eventBytes {
			data = append(data, byte(i*int(seed+3)*7+i/eventBytes))
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		trace := fuzzTrace(data)
		all := everything()
		sum, err := replay.Run(context.Background(), trace, all)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Events != trace.Rows() {
			t.Fatalf("%d events, the trace has %d", sum.Events, trace.Rows())
		}
		end := int64(-1 << 63)
		for _, s := range all.spans {
			if s.End < end || s.End < s.Begin {
				t.Fatalf("%+v ends before its beginning or before the span before it, at %d", s, end)
			}
			end = s.End
			if s.Flags == 0 && s.State == format.StateRunnable && s.Next == format.StateRunning {
				checkDelay(t, &s)
			}
		}
	})
}

// checkDelay fails the test where the parts of a delay are not its length taken apart.
func checkDelay(t *testing.T, s *replay.Span) {
	t.Helper()
	sum := int64(0)
	for p, ns := range s.Delay {
		if sum += ns; ns < 0 {
			t.Fatalf("%+v has less than nothing of %s", *s, replay.Part(p))
		}
	}
	if sum != s.Len() {
		t.Fatalf("%+v lasts %d ns, its parts %d", *s, s.Len(), sum)
	}
}

func TestRunRefusesBatchesThatAreNoEvents(t *testing.T) {
	for name, spoil := range map[string]func(*format.Batch){
		"a state that does not exist": func(b *format.Batch) { b.To[0] = 6 },
		"a kind that does not exist":  func(b *format.Batch) { b.Kind[0] = 6 },
		"a column that is too short":  func(b *format.Batch) { b.GoID = nil },
	} {
		trace := fuzzTrace(make([]byte, 1+eventBytes))
		spoil(&trace.Events)
		if _, err := replay.Run(context.Background(), spoiled{trace}, everything()); err == nil {
			t.Errorf("%s is replayed", name)
		}
	}
}

func TestRunStopsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := replay.Run(ctx, fuzzTrace(make([]byte, 1+eventBytes)), everything()); err == nil {
		t.Error("a walk goes on after its context has ended")
	}
}
