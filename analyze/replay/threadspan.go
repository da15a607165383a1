package replay

import "github.com/gosched/gosched/format"

// threadSpan is the open span of a kernel thread.
type threadSpan struct {
	begin  int64
	reason format.StringID
	state  format.State // StateUnknown: there is none
}

// threadRow ends a thread's open span with row i, and opens the next one.
func (w *Walk) threadRow(p *process, th *thread, b *format.Batch, i int, t int64) {
	if th.open.state != format.StateUnknown {
		flags := Flags(0)
		if th.open.state != b.From[i] {
			flags = EndUnseen
		}
		w.threadOut(p, th, b.TID[i], t, flags)
		s := w.out.next()
		s.GoID, s.CPU, s.EndReason, s.Next = b.GoID[i], b.CPU[i], b.Reason[i], b.To[i]
		if flags == 0 && s.State == format.StateRunnable {
			part := PartWakeUp
			if th.Lacked(&p.occ, t, w.names.cpuOf(b.Reason[i])) {
				part = PartOffCPU
			}
			s.Delay[part] = s.Len()
		}
		w.out.advance()
	}
	th.open = threadSpan{begin: t, reason: b.Reason[i], state: b.To[i]}
	if b.To[i] == format.StateNotExist {
		th.open.state = format.StateUnknown
	}
}

// threadOut fills the outlet's next span with a thread's open one, ended at t.
func (w *Walk) threadOut(p *process, th *thread, tid int32, t int64, flags Flags) {
	*w.out.next() = Span{
		Begin: th.open.begin, End: t, PID: p.pid, TID: tid, CPU: format.Unknown, Proc: format.Unknown, EndTID: tid,
		EndCPU: format.Unknown, EndProc: format.Unknown,
		Reason: th.open.reason, State: th.open.state, Flags: flags, Thread: true,
	}
}

// censorAll makes spans of all that is open in a process, ended at t without a row, and calls each
// for every one, which is the outlet's next: goroutines in the order of their ids, then threads in
// that of their first rows. It changes nothing.
func (w *Walk) censorAll(p *process, t int64, each func()) {
	for _, g := range p.goroutines.known() {
		if w.wants.States.Has(g.state) {
			w.fillCensored(p, g, t, CensoredRight)
			each()
		}
	}
	for i := range p.thread {
		if th := &p.thread[i]; th.open.state != format.StateUnknown {
			w.threadOut(p, th, th.tid, t, CensoredRight)
			each()
		}
	}
}
