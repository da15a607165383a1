package record

import (
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/stacks"
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
