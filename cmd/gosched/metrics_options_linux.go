package main

import (
	"errors"
	"fmt"

	"github.com/gosched/gosched/cmd/gosched/internal/metrics"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
)

// serveMetrics shows a recording to Prometheus until stop is called. It listens at once: once
// everything is watched no socket can be opened any more.
func (r *recorder) serveMetrics(opts *record.Options) (stop func() error, err error) {
	listener, err := metrics.Listen(r.opts.metrics.address)
	if err != nil {
		return nil, fmt.Errorf("show metrics: %w", err)
	}
	shown := metrics.New()
	if opts.Sink == nil {
		opts.Sink = shown
	} else {
		opts.Sink = sinks{opts.Sink, shown}
	}
	progress, kept := opts.Progress, opts.Keep
	opts.Progress = func(p record.Progress) {
		f := metrics.Figures{Lost: p.Lost, LostStacks: p.LostStacks, Bytes: p.Bytes, Processes: len(p.Processes),
			Rounds: p.Rounds, Governor: p.Governor}
		if kept != nil {
			counts := kept.Counts()
			f.Kept = &counts
		}
		shown.Set(f)
		if progress != nil {
			progress(p)
		}
	}
	return shown.Serve(listener), nil
}

// sinks are several that take the same recording.
type sinks []record.Sink

// Begin implements record.Sink.
func (all sinks) Begin(meta format.Metadata, reasons, stacks *format.Strings) error {
	return all.each(func(s record.Sink) error { return s.Begin(meta, reasons, stacks) })
}

// Feed implements record.Sink.
func (all sinks) Feed(b *format.Batch) error {
	return all.each(func(s record.Sink) error { return s.Feed(b) })
}

// SetMetadata gives what is known now to those that want it.
func (all sinks) SetMetadata(meta format.Metadata) {
	for _, s := range all {
		if s, ok := s.(interface{ SetMetadata(format.Metadata) }); ok {
			s.SetMetadata(meta)
		}
	}
}

// End implements record.Sink.
func (all sinks) End(meta format.Metadata) error {
	return all.each(func(s record.Sink) error { return s.End(meta) })
}

func (all sinks) each(do func(record.Sink) error) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, do(s))
	}
	return errors.Join(errs...)
}
