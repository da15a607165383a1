package record

import (
	"errors"
	"time"

	"github.com/gosched/gosched/format"
)

// finish writes what is left, closes the trace and detaches. The kernel may take seconds for that,
// in which the programs are silent.
func (s *session) finish(reason string, err error) (*Summary, error) {
	s.endReadings()
	if err == nil && s.probes != nil && (s.come != nil || reason != EndExited && reason != EndReplaced) {
		err = s.readLast(reason)
	}
	err = errors.Join(err, s.drain()) // before losses come that do not matter any more
	end := now()
	if last := s.lastEnd(); last != 0 && reason == EndReplaced {
		end = last
	}
	s.endNS = end
	machine := s.machine.end()
	for _, sub := range s.subjects {
		sub.cpu.update(sub.proc)
		sub.endLimits()
	}
	for _, sub := range s.all {
		if machine != nil {
			machine.OwnNS += int64(sub.cpu.spent())
		}
	}
	s.governing.end(end)
	err = errors.Join(err, s.silence())
	s.tellLate(end) // of what was still at work in a probe
	released := make(chan error, 1)
	go func() { released <- s.release() }()
	s.order.merge(end)
	s.order.take(end, s.emit, s.piece)

	s.meta.EndNS, s.meta.EndReason = end+s.offsetNS, reason
	if err != nil && reason == "" {
		s.meta.EndReason = err.Error()
	}
	if err == nil {
		s.meta.Machine = machine
	}
	sum, err := s.closeTrace(err)
	return sum, errors.Join(err, <-released, s.close())
}

// silence has the programs do nothing any more, and takes what they have told.
func (s *session) silence() error {
	if s.probes == nil {
		return nil
	}
	return errors.Join(s.probes.Silence(), s.probes.Drain(s.accept))
}

// release takes the probes off, or keeps them for another recording.
func (s *session) release() error {
	if s.probes == nil {
		return nil
	}
	return s.opts.Programs.Release(s.probes)
}

// closeTrace ends the trace. err is what has gone wrong before.
func (s *session) closeTrace(err error) (*Summary, error) {
	s.describeSnapshots()
	for _, sub := range s.subjects {
		sub.describeModules()
	}
	s.dropUnbegun()
	s.come.missEnded()
	s.meta.Governor = s.governing.describe()
	counts := s.counts()
	s.meta.Lost, s.meta.LostStacks, s.meta.Processes = counts.Lost, counts.LostStacks, s.processes()
	// it may have ended the recording
	if closing := s.out.close(s.meta, s.rows.batch); !errors.Is(err, closing) {
		err = errors.Join(err, closing)
	}
	sum := &Summary{
		For:      s.opts.For,
		Progress: s.progress(), Output: s.opts.Output, Whole: err == nil,
		Kept:     s.opts.Keep != nil,
		OneByOne: s.probes != nil && s.probes.OneByOne(), EndReason: s.meta.EndReason, Metadata: s.meta,
	}
	for _, sub := range s.all {
		sum.PIDs, sum.OfProcess = append(sum.PIDs, sub.proc.PID()), append(sum.OfProcess, sub.counts())
	}
	sum.Missed, sum.Attached = s.come.missedProcesses(), s.come.lateness()
	if s.opts.Written != nil && err == nil {
		s.opts.Written(sum)
	}
	return sum, err
}

// known is the metadata as it is now, with what was counted, while the recording goes on.
func (s *session) known() format.Metadata {
	s.describeSnapshots()
	meta, counts := s.metadataNow(), s.counts()
	meta.Lost, meta.LostStacks = counts.Lost, counts.LostStacks
	meta.Governor = s.governing.describe()
	return meta
}

// counts are those of all processes.
func (s *session) counts() (all Counts) {
	for _, sub := range s.all {
		all.add(sub.counts())
	}
	return all
}

func (s *session) progress() Progress {
	end := s.endNS
	if end == 0 {
		end = now()
	}
	return Progress{
		Counts: s.counts(), Elapsed: time.Duration(end - s.startNS), Bytes: s.out.bytes(), Rounds: s.roundsSoFar(),
		Processes: s.recorded(), Governor: s.governing.describe(),
	}
}
