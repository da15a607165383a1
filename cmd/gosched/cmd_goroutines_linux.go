package main

import (
	"context"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// readGoroutines reads the goroutines of a running process into a trace that lasts as long as that
// takes.
func readGoroutines(ctx context.Context, pid int) (format.Trace, error) {
	proc, err := target.Open(pid)
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	trace, err := record.Goroutines(ctx, proc, "gosched "+programVersion())
	if err != nil {
		return nil, err // not a nil *Memory in a Trace
	}
	return trace, nil
}
