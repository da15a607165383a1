package replay

import "github.com/gosched/gosched/format"

// Sample is what a thread was doing when it was on a CPU.
type Sample struct {
	TimeNS   int64
	PeriodNS int64 // the CPU time that it stands for; 0: not known
	PID, TID int32
	CPU      int32 // format.Unknown: not known
	Proc     int32
	GoID     format.GoID     // NoGoroutine: the thread had none
	State    format.State    // that the goroutine was in by its moves; StateUnknown: not known
	Where    format.Reason   // the thread was, if not in the goroutine's own code
	Stack    format.StringID // with what the thread did for the goroutine on its system stack; null: not known
}

// SamplePass is a Pass that takes on-CPU samples too, in order of time, after every span that ended
// before them. They move nothing.
type SamplePass interface {
	Pass
	// Samples takes the next ones. The slice is valid during the call only.
	Samples(samples []Sample)
}

// sample hands out the sample in row i.
func (w *Walk) sample(p *process, b *format.Batch, i int, t int64) {
	if len(w.out.samples) == 0 {
		return
	}
	s := Sample{
		TimeNS: t, PeriodNS: w.meta.SamplePeriodNS, PID: p.pid, TID: b.TID[i], CPU: b.CPU[i], Proc: b.Proc[i],
		GoID: b.GoID[i], Where: format.ParseReason(w.names.Reason(b.Reason[i])), Stack: b.Stack[i],
	}
	if g := p.goroutines.find(s.GoID); g != nil && s.GoID != format.NoGoroutine {
		s.State = g.state
	}
	w.out.sendSample(s)
}

func (o *outlet) sendSample(s Sample) {
	o.flush()
	for _, p := range o.samples {
		p.Samples([]Sample{s})
	}
}
