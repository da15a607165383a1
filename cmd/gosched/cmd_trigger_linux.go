package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record/flight/control"
)

func runTrigger(ctx context.Context, opts triggerOptions, out io.Writer) error {
	recorder := control.Dial(opts.socket)
	if opts.pid != 0 {
		var err error
		if recorder, err = control.Find(ctx, int(opts.pid)); err != nil {
			return err
		}
	}
	if opts.status {
		s, err := recorder.Status(ctx)
		switch {
		case err != nil:
			return err
		case opts.json:
			return report.WriteJSON(out, s)
		}
		return triggerText(out, s.Dir, s.Rules, s.Counts)
	}
	answer, err := recorder.Trigger(ctx, control.Request{Reason: opts.reason})
	if answer.Error != "" {
		err = &exitError{code: exitGate, err: err}
	}
	if opts.json && answer.Version != 0 {
		if e := report.WriteJSON(out, answer); e != nil {
			return e
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, answer.Saved)
	return err
}
