package record

import (
	"fmt"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/confine"
	"github.com/gosched/gosched/record/target"
)

// confine gives up what the recording does not need any more, if that was asked for, and has the
// metadata say what it kept. What cannot be given up ends nothing.
func (s *session) confine() {
	if s.opts.Confine == nil {
		return
	}
	needs := *s.opts.Confine
	needs.Attach = needs.Attach || s.attachesLater()
	needs.Come = needs.Come || s.opts.Choose != nil
	var trials []confine.Trial
	for _, sub := range s.subjects {
		trials = append(trials, sub.trials()...)
	}
	held, err := confine.Apply(needs, trials...)
	s.meta.Confined = &format.Confined{Capabilities: held.Names(), Bounding: held.Bounding, Filter: held.Filter}
	if err != nil {
		held.Not = append(held.Not, err)
	}
	for _, not := range held.Not {
		s.meta.Confined.Not = append(s.meta.Confined.Not, fmt.Sprint(not))
	}
}

// attachesLater says whether probes may have to be attached once the recording has begun: to
// processes that come; to plugins, which take the C library to be opened; in windows; or programs
// started, which tell the numbers of threads in the root PID namespace.
func (s *session) attachesLater() bool {
	if s.come != nil || s.governing != nil {
		return true
	}
	for _, sub := range s.subjects {
		if s.probes != nil && sub.binary.Cgo() || sub.numbers != nil {
			return true
		}
	}
	return false
}

// trials are what is done with a process while it is recorded.
func (s *subject) trials() []confine.Trial {
	return []confine.Trial{
		{Takes: target.CapSysPtrace, Try: func() error {
			_, err := s.proc.ReadAt(make([]byte, 1), int64(s.binary.ModuledataAddr()+s.bias))
			return err
		}},
		{Takes: target.CapDACReadSearch, Try: s.proc.TryDescriptors},
		{Takes: target.CapBPF, Try: func() error { // before Linux 6.0, of maps too
			if s.in.probes == nil {
				return nil
			}
			_, err := s.in.probes.Watches(int(s.number))
			return err
		}},
	}
}
