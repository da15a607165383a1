package record

import (
	"errors"
	"slices"
)

// retire takes a process's probes off and makes its number free, while others are recorded.
func (a *arrivals) retire(sub *subject) {
	if sub.phase >= leaving || a.stopped {
		return
	}
	sub.phase = leaving
	close(sub.left)
	number, tgid := int(sub.number), int(sub.pid)
	if a.in.probes == nil {
		a.free(sub)
		return
	}
	a.work.Go(func() {
		err := errors.Join(a.in.probes.Detach(number), a.in.probes.Vacate(number, tgid))
		a.say(func() {
			if err != nil {
				a.miss(sub.proc.PID(), err) // its number stays taken
				return
			}
			a.free(sub)
		})
	})
}

// free notes that the kernel side has nothing to say of a process any more.
func (a *arrivals) free(sub *subject) {
	sub.freeNS = now()
	if sub.beginNS == 0 { // nothing of it is still to be written
		sub.release()
		a.in.dropReleased()
	}
	if sub.again {
		a.tell(&event{tid: sub.pid, time: sub.replacedNS})
	}
}

// letGo gives the numbers of processes free whose last events have been written.
func (s *session) letGo() {
	if s.come == nil || s.endNS != 0 {
		return
	}
	gone := false
	for _, sub := range s.subjects {
		if sub.freeNS == 0 || s.order.taken <= sub.freeNS || sub.reading != nil {
			continue
		}
		sub.release()
		gone = true
	}
	if !gone {
		return
	}
	s.dropReleased()
	s.out.tell(s.metadataNow())
}

func (s *session) dropReleased() {
	s.subjects = slices.DeleteFunc(s.subjects, func(sub *subject) bool { return sub.phase == released })
	s.share()
}

// release keeps of a process only what the trace says of it.
func (s *subject) release() {
	s.describeModules()
	s.describeSnapshots()
	s.endLimits()
	s.final, s.about = s.counts(), s.process()
	s.phase = released
	s.in.order.forget(s.number)
	s.in.numbered[s.number] = nil
	_ = s.letGo() // it has ended
	s.follow, s.stacks, s.texts, s.reader, s.config = nil, nil, nil, nil, nil
	s.image, s.binary, s.modules, s.choice, s.numbers = nil, nil, nil, nil, nil
	s.descriptors = descriptors{}
}

// dropUnbegun leaves processes out of the trace whose part has not begun when the recording ends.
func (s *session) dropUnbegun() {
	if s.come == nil {
		return
	}
	s.all = slices.DeleteFunc(s.all, func(sub *subject) bool {
		if sub.beginNS == 0 {
			s.come.miss(sub.proc.PID(), errEnding)
		}
		return sub.beginNS == 0
	})
}
