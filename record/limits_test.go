package record

import (
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/stacks"
	"github.com/gosched/gosched/record/target"
)

func TestALimitIsWrittenWhenItChanges(t *testing.T) {
	reasons := format.NewStrings()
	texts := newTexts(reasons, nil, nil)
	r := &rows{batch: &format.Batch{}, full: func(b *format.Batch) *format.Batch { return b }}
	f := newFollower(0, r, texts, stacks.New(program{}, format.NewStrings(), format.NewStrings()))
	f.limits[limitQuota] = texts.limit(limitQuota, format.NoLimit)
	for i, l := range []struct {
		name  uint8
		value float64
	}{{limitQuota, format.NoLimit}, {limitProcs, 2}, {limitProcs, 2}, {limitProcs, 300}, {limitQuota, 1.5},
		{limitProcs, 2}, {limitQuota, 1.5}} {
		f.emit(&event{op: opLimit, time: int64(i), reason: l.name, text: uint32(texts.limit(l.name, l.value))})
	}
	var got []string
	for i := range r.batch.Len() {
		if e := r.batch.At(i); e.Kind == format.KindLimit {
			got = append(got, reasons.Lookup(e.Reason))
		}
	}
	if want := []string{"GOMAXPROCS 2", "GOMAXPROCS 300", "CPU quota 1.5", "GOMAXPROCS 2"}; !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func TestStatesOfThreadsThatAreStoppedFromOutsideHaveNames(t *testing.T) {
	reasons := format.NewStrings()
	texts := newTexts(reasons, nil, nil)
	// Linux v6.18 include/linux/sched.h: TASK_STOPPED, TASK_TRACED, TASK_FROZEN, a futex's wait,
	// TASK_KILLABLE, TASK_IDLE
	for state, want := range map[uint32]string{
		0x104: "stopped", 0x108: "tracing stop", 0x8000: "frozen", 0x2001: "sleeping", 0x102: "disk sleep",
		0x402: "idle",
	} {
		if got := reasons.Lookup(texts.threadReason(false, state, nil)); got != want {
			t.Errorf("state %#x is %q, want %q", state, got, want)
		}
	}
}

func TestStopsByTheQuotaAreCountedWhileOneCgroupHasIt(t *testing.T) {
	at := func(dir string, count, ns int64) target.Throttling {
		return target.Throttling{Dir: dir, Count: count, NS: ns}
	}
	tests := []struct {
		name      string
		read      []target.Throttling // without a directory: nothing was read
		ended     bool
		count, ns int64 // −1: not known
	}{
		{"no quota", []target.Throttling{{}, {}}, true, -1, -1},
		{"what was before does not count", []target.Throttling{at("/a", 7, 700), at("/a", 10, 950)}, true, 3, 250},
		{"never stopped", []target.Throttling{at("/a", 7, 700), at("/a", 7, 700)}, true, 0, 0},
		{"the process ends", []target.Throttling{at("/a", 0, 0), at("/a", 2, 20), {}}, true, 2, 20},
		{"another cgroup", []target.Throttling{at("/a", 0, 0), at("/b", 2, 20), at("/a", 3, 3)}, true, -1, -1},
		{"a cgroup made anew", []target.Throttling{at("/a", 5, 5), at("/a", 9, 9), at("/a", 6, 6)}, true, -1, -1},
		{"the recording goes on", []target.Throttling{at("/a", 0, 0), at("/a", 2, 20)}, false, -1, -1},
	}
	for _, test := range tests {
		var stops throttled
		for _, r := range test.read {
			stops.take(r, r.Dir != "")
		}
		stops.ended = test.ended
		var p format.Process
		stops.describe(&p)
		count, ns := int64(-1), int64(-1)
		if p.Throttled != nil && p.ThrottledNS != nil {
			count, ns = *p.Throttled, *p.ThrottledNS
		}
		if count != test.count || ns != test.ns {
			t.Errorf("%s: %d times, %d ns; want %d, %d", test.name, count, ns, test.count, test.ns)
		}
	}
}
