package main

import (
	"context"
	"errors"
	"io"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/folded"
	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/rounds"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/format"
)

// errNoRound is the error where there is nothing to estimate from.
var errNoRound = &exitError{code: exitInconclusive, err: errors.New("the trace has no round: record for longer")}

// refuse is an error where a trace cannot answer a question, whatever is in it.
func refuse(q caveat.Question, trace format.Trace) error {
	meta := trace.Metadata()
	return caveat.Refuse(q, &meta)
}

// runSampledBlocking prints where goroutines' time went in a trace that was sampled without probes.
func runSampledBlocking(ctx context.Context, opts blockingOptions, trace format.Trace, out io.Writer) error {
	if opts.percentiles != nil {
		if err := refuse(caveat.Lengths, trace); err != nil {
			return err
		}
	}
	pass := rounds.New()
	sum, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	result := pass.Result(sum)
	if err := present(out, opts.json, opts.layout, result, result.Document(rounds.View{})); err != nil {
		return err
	}
	if len(result.Processes) == 0 {
		return errNoRound
	}
	return nil
}

// sampledGoroutines is the document of `gosched goroutines --json` for such a trace.
type sampledGoroutines struct {
	*rounds.Result
	Profile *goroutines.Beside `json:"profile"` // nil without one
}

func runSampledGoroutines(ctx context.Context, opts goroutinesOptions, trace format.Trace, prof *profile.Profile,
	out io.Writer) error {
	pass, last := rounds.New(), goroutines.NewLastRound()
	sum, err := replay.Run(ctx, trace, pass, last)
	if err != nil {
		return err
	}
	result := sampledGoroutines{Result: pass.Result(sum)}
	document := result.Document(rounds.View{Goroutines: true, System: opts.system})
	if prof != nil {
		result.Profile = last.Beside(sum, prof)
		document.Facts = append(document.Facts, result.Profile.Fact())
		document.Tables = append(document.Tables, result.Profile.Tables()...)
		document.Warnings = append(document.Warnings, result.Profile.Warnings()...)
		result.Warnings = document.Warnings
	}
	if err := present(out, opts.json, opts.layout, result, document); err != nil {
		return err
	}
	if len(result.Processes) == 0 {
		return errNoRound
	}
	return nil
}

// runFolded writes the time of goroutines as folded stacks.
func runFolded(ctx context.Context, opts blockingOptions, trace format.Trace, out io.Writer) error {
	if opts.folded != "-" {
		if err := refuseToOverwrite(opts.folded, opts.force); err != nil {
			return err
		}
	}
	pass := folded.New()
	pass.System = opts.system
	sum, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	lines := pass.Lines(sum)
	if opts.folded == "-" {
		return folded.Write(out, lines)
	}
	return output.Folded(opts.folded, lines)
}
