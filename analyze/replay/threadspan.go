package replay

import "github.com/gosched/gosched/format"

// threadSpan is the open span of a kernel thread.
type threadSpan struct {
	begin  int64
	reason format.StringID
	state  format.State // StateUnknown: there is none
}

// threadRow ends a thread's open span with row i, and opens the next one.
func (w *walk) threadRow(p *process, th *thread, b *format.Batch, i int, t int64) {
	if th.open.state != format.StateUnknown {
		flags := Flags(0)
		if th.open.state != b.From[i] {
			flags = EndUnseen
		}
		w.threadOut(p, th, b.TID[i], t, flags)
		s := w.out.next()
		s.GoID, s.CPU, s.EndReason, s.Next = b.GoID[i], b.CPU[i], b.Reason[i], b.To[i]
		w.out.advance()
	}
	th.open = threadSpan{begin: t, reason: b.Reason[i], state: b.To[i]}
	if b.To[i] == format.StateNotExist {
		th.open.state = format.StateUnknown
	}
}

// threadOut fills the outlet's next span with a thread's open one, ended at t.
func (w *walk) threadOut(p *process, th *thread, tid int32, t int64, flags Flags) {
	*w.out.next() = Span{
		Begin: th.open.begin, End: t, PID: p.pid, TID: tid, CPU: format.Unknown, Proc: format.Unknown, EndTID: tid,
		EndCPU: format.Unknown, EndProc: format.Unknown,
		Reason: th.open.reason, State: th.open.state, Flags: flags, Thread: true,
	}
}

// cutThreads ends the open spans of all threads of a process, in the order of their ids as far as
// the trace has shown them.
func (w *walk) cutThreads(p *process, t int64) {
	for i := range p.thread {
		th := &p.thread[i]
		if th.open.state != format.StateUnknown {
			w.threadOut(p, th, th.tid, t, CensoredRight)
			w.out.advance()
			th.open.state = format.StateUnknown
		}
	}
}
