package record

import (
	"context"
	"errors"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/stacks"
	"github.com/gosched/gosched/record/target"
)

// notWatched is why a reading of a process's goroutines covers no transition.
const notWatched = "the goroutines were read once, not recorded"

// Goroutines reads every goroutine of a process from its memory, without eBPF, without stopping it
// and without leaving anything in it: a trace of snapshot rows that lasts as long as the reading
// does. It works in any PID namespace, and numbers the process and its threads as /proc there
// does. Each goroutine was in its state at some moment of that time, and not all at the same one.
// The stack of one that ran, or moved while it was read, is its entry function and a mark that
// says so.
func Goroutines(ctx context.Context, proc *target.Process, recorder string) (*format.Memory, error) {
	found, err := image.Find(proc)
	if err != nil {
		return nil, err
	}
	s := &session{opts: Options{Recorder: recorder}, depth: snapshot.MaxFrames}
	sub := &subject{in: s, proc: proc, pid: int32(proc.PID()), choice: unwatched(notWatched)}
	s.join(sub)
	sub.setImage(found)
	m, err := sub.readGoroutines(ctx)
	return m, errors.Join(err, sub.close())
}

// unwatched is the choice to watch nothing, and why.
func unwatched(why string) *choice {
	c := &choice{coverage: format.FullCoverage()}
	for i := range c.coverage {
		if t := &c.coverage[i]; t.Transition != format.TransitionStacks {
			t.Covered, t.Why = false, why
		}
	}
	return c
}

func (s *subject) readGoroutines(ctx context.Context) (*format.Memory, error) {
	s.in.offsetNS = target.MonotonicOffset()
	if err := s.in.describe(); err != nil {
		return nil, err
	}
	if err := s.openReader(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := format.NewMemory(s.in.meta)
	r := &rows{
		offset: s.in.offsetNS, batch: &m.Events, full: func(b *format.Batch) *format.Batch { return b },
	}
	s.texts = newTexts(m.Reasons(), s.reader.WaitReasons(), nil)
	s.stacks = s.newStacks(m.Stacks(), m.Reasons(), stacks.NewRoom())
	s.follow = newFollower(s.pid, r, s.texts, s.stacks)
	s.modules.Look()
	err := s.reader.Each(func(gs []snapshot.Goroutine) {
		for i := range gs {
			e := s.found(&gs[i])
			s.follow.tell(&e)
		}
	})
	m.Meta.Processes[0].Modules = s.modules.Describe()
	m.Meta.EndNS, m.Meta.EndReason = now()+s.in.offsetNS, "all goroutines were read"
	return m, err
}
