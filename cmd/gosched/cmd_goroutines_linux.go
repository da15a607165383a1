package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// readGoroutines reads the goroutines of a running process into a trace that lasts as long as that
// takes. Where the process cannot move meanwhile, a note says so.
func readGoroutines(ctx context.Context, pid int, notes io.Writer) (format.Trace, error) {
	proc, err := target.Open(pid)
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	if by, stopped := replay.Suspender(proc.StopState()); stopped {
		fmt.Fprintf(notes, "process %d is stopped by %s: until it goes on, its goroutines are where they were then\n",
			pid, by)
	}
	trace, err := record.Goroutines(ctx, proc, "gosched "+programVersion())
	if err != nil {
		return nil, err // not a nil *Memory in a Trace
	}
	return trace, nil
}
