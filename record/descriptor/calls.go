package descriptor

import (
	"slices"

	"github.com/gosched/gosched/record/target"
)

// calls are the threads that are looked at.
type calls struct {
	tasks []int
	pace  pace
	turn  turn
	in    []call
}

// call is a thread in a system call on a descriptor.
type call struct {
	task int
	call target.Call
	time int64
}

func (c *call) fd() int { return int(int32(c.call.Args[0])) }

// lookAtCalls tells threads that are in system calls on descriptors.
func (l *Looker) lookAtCalls() error {
	c := &l.calls
	if began := l.src.Now(); c.pace.due(began) {
		tasks, err := l.src.Process.Tasks()
		if err != nil {
			return ignore(err)
		}
		slices.Sort(tasks)
		c.tasks = tasks
		c.pace.done(began, l.src.Now(), listShare)
	}
	c.in = c.in[:0]
	for _, task := range take(&c.turn, c.tasks, maxTasks) {
		now, ok, err := l.src.Process.Call(task)
		if err != nil && !passing(err) {
			return err
		}
		if _, transfers := now.Transfers(); ok && transfers {
			c.in = append(c.in, call{task, now, l.src.Now()})
		}
	}
	for i := range c.in {
		if err := l.tellCall(&c.in[i]); err != nil && !passing(err) {
			return err
		}
	}
	return nil
}

// tellCall tells a call that goes on after it is known what it is on.
func (l *Looker) tellCall(c *call) error {
	write, _ := c.call.Transfers()
	what, ok, err := l.describe(c.fd(), write)
	if err != nil || !ok {
		return err
	}
	again, ok, err := l.src.Process.Call(c.task)
	if err == nil && ok && again == c.call {
		l.out = append(l.out, Sighting{TimeNS: c.time, Task: c.task, FD: c.fd(), What: what})
	}
	return err
}

// ignore is the error that is not passing.
func ignore(err error) error {
	if passing(err) {
		return nil
	}
	return err
}
