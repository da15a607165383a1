package passtest

import "github.com/gosched/gosched/format"

// Twin is the number of the process that Doubled puts beside one.
func Twin(pid int32) int32 { return pid + 1<<20 }

// Doubled is a trace with a second process beside each, which does the same at the same times: its
// goroutines, threads and Ps have the same numbers. What is known of one process may not change
// what is known of the other. Rows of no process stay single: they hold for all.
func Doubled(trace *format.Memory) *format.Memory {
	out := *trace
	out.Events = format.Batch{}
	out.Meta.Processes = nil
	for _, p := range trace.Meta.Processes {
		twin := p
		twin.PID = Twin(p.PID)
		out.Meta.Processes = append(out.Meta.Processes, p, twin)
	}
	for i := range trace.Events.Len() {
		e := trace.Events.At(i)
		out.Append(e)
		if e.PID != format.Unknown {
			e.PID = Twin(e.PID)
			out.Append(e)
		}
	}
	return &out
}
