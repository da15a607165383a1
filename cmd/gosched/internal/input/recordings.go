package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
	"github.com/gosched/gosched/format/buckets"
)

// recordingsAtOnce is how many traces are read at a time.
const recordingsAtOnce = 2

// Recordings reads the recordings that patterns mean: each is a file, a folder of segments, a Go
// trace or a text twin, which is one recording, or a summary, whose recordings are taken over; or a
// glob of these, which is expanded here. Several files are several recordings. They come in the
// order of when they began.
func (o *Opener) Recordings(ctx context.Context, patterns []string) ([]*summary.Recording, error) {
	paths, err := expandPatterns(patterns)
	if err != nil {
		return nil, err
	}
	r := reading{paths: paths, found: make([][]*summary.Recording, len(paths)), errs: make([]error, len(paths)),
		line: status.New(o.Notes)}
	each := *o
	if len(paths) > 1 { // then the line says how many are read
		each.Notes = r.line
	}
	r.all(ctx, &each)
	r.line.Clear()
	if err := r.err(ctx); err != nil {
		return nil, err
	}
	recordings := slices.Concat(r.found...)
	// those that are equal stay in the order of their paths
	slices.SortStableFunc(recordings, func(a, b *summary.Recording) int {
		return cmp.Or(cmp.Compare(a.Info.Meta.StartNS, b.Info.Meta.StartNS), cmp.Compare(a.Info.ID, b.Info.ID))
	})
	return recordings, nil
}

// expandPatterns are the paths that patterns mean, in ascending order.
func expandPatterns(patterns []string) ([]string, error) {
	var paths []string
	for _, p := range patterns {
		if _, err := os.Stat(p); err == nil || p == "-" || !strings.ContainsAny(p, "*?[") {
			paths = append(paths, p)
			continue
		}
		matches, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("no file matches %s", p)
		}
		paths = append(paths, matches...)
	}
	slices.Sort(paths)
	return paths, nil
}

// reading is the reading of several recordings, some at a time.
type reading struct {
	paths []string
	found [][]*summary.Recording // by path
	errs  []error
	line  *status.Line
}

// all reads every path with o, until there is an error.
func (r *reading) all(ctx context.Context, o *Opener) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan int)
	var workers sync.WaitGroup
	var done atomic.Int64
	for range min(recordingsAtOnce, len(r.paths)) {
		workers.Go(func() {
			for i := range next {
				r.found[i], r.errs[i] = o.recording(ctx, r.paths[i])
				if r.errs[i] != nil {
					cancel()
				}
				r.draw(int(done.Add(1)))
			}
		})
	}
	for i := range r.paths {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
}

// draw says how many of several recordings are read.
func (r *reading) draw(done int) {
	if len(r.paths) > 1 {
		r.line.Draw(fmt.Sprintf("reading recordings: %d of %d", done, len(r.paths)))
	}
}

// err is the first error that did not come from another.
func (r *reading) err(ctx context.Context) error {
	for _, err := range r.errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return ctx.Err()
}

// recording reads the recordings of one path.
func (o *Opener) recording(ctx context.Context, path string) ([]*summary.Recording, error) {
	if recordings, is, err := openSummary(path); is {
		return recordings, err
	}
	trace, err := o.Trace(ctx, []string{path})
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	run, err := summary.Of(ctx, trace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []*summary.Recording{run}, nil
}

// openSummary reads a summary, if the path is that of one.
func openSummary(path string) (recordings []*summary.Recording, is bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false, nil
	}
	defer file.Close()
	if !buckets.IsSummary(file, info.Size()) {
		return nil, false, nil
	}
	if recordings, err = summary.Read(file, info.Size()); err != nil {
		return nil, true, fmt.Errorf("open summary: %s: %w", path, err)
	}
	return recordings, true, nil
}
