package record

import (
	"errors"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/kernel"
)

// drain moves every record from the rings to the orderer, and turns what was lost into gaps.
func (s *session) drain() error {
	began := now()
	if s.probes == nil {
		s.drained = began
		return nil
	}
	if err := s.probes.Drain(s.accept); err != nil {
		return err
	}
	var failed error
	err := s.probes.TakeLosses(kernel.MaxSubjects, func(number int, lost, lostStacks int64) {
		sub := s.numbered[number]
		if sub == nil || sub.beginNS == 0 {
			return // of what is not recorded nothing is missed
		}
		sub.follow.loseStacks(lostStacks)
		if lost > 0 {
			sub.gap(s.drained, now(), lost, format.ReasonRingFull)
			failed = errors.Join(failed, sub.checkWatched())
		}
	})
	s.tellLate(began)
	s.drained = began
	return errors.Join(err, failed)
}

// checkWatched finds out that the process has replaced its program where the event that says so was
// lost.
func (s *subject) checkWatched() error {
	watched, err := s.in.probes.Watches(int(s.number))
	if err == nil && !watched && s.replacedNS == 0 && s.ended == "" && s.in.endNS == 0 {
		s.replacedNS = now()
	}
	return err
}

// tellLate turns events that came too late for their place in the order, up to a time, into gaps.
func (s *session) tellLate(to int64) {
	s.order.takeLate(func(subject uint16, from, n int64) { s.numbered[subject].gap(from, to, n, format.ReasonLate) })
}

// accept takes one record from a ring.
func (s *session) accept(ring int, raw []byte) error {
	if len(raw) > 0 && op(raw[0]) == opStack {
		def, err := decodeStack(raw)
		if err != nil {
			return err
		}
		if sub := s.subject(def.subject); sub != nil {
			sub.stacks.Define(def.hash, def.Stack)
		}
		return nil
	}
	var e event
	if err := decode(raw, &e); err != nil {
		return err
	}
	if e.op == opStarted {
		s.come.tell(&e)
		return nil
	}
	sub := s.subject(e.subject)
	if sub == nil {
		return nil
	}
	switch e.op {
	case opExec:
		sub.replacedNS = e.time
		return nil
	case opThreadOn, opThreadWake:
		if _, comm := threadText(raw); len(comm) > 0 {
			e.text = uint32(sub.texts.command(comm))
		}
	case opThreadOff:
		state, comm := threadText(raw)
		if state&taskDead != 0 {
			e.flags |= flagDead
		}
		e.text = uint32(sub.texts.threadReason(e.flags&flagInvoluntary != 0, state, comm))
	}
	// seen before everything was attached
	early := sub.beginNS == 0 || e.time < sub.beginNS || s.governing.early(e.time)
	switch {
	case s.governing.off(e.time):
		return nil
	case early && e.op != opSample:
		sub.follow.seeEarly(&e)
		return nil
	case early:
		return nil
	case e.op == opSample:
		if err := sub.readSample(raw, &e); err != nil {
			return err
		}
	}
	s.order.push(ring, &e)
	sub.limitOf(ring, &e)
	return nil
}

// subject is the one with the number that a record has; nil: no process has it, or what it has is
// not ready for a record. That is one that could not be recorded, or is not any more. What is still
// in the rings of it is of no recording, so that nothing is missed with it.
func (s *session) subject(number uint16) *subject {
	if int(number) >= len(s.numbered) {
		return nil
	}
	sub := s.numbered[number]
	if sub == nil || sub.follow == nil || sub.stacks == nil || sub.texts == nil {
		return nil
	}
	return sub
}
