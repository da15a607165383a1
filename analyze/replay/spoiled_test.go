package replay_test

import (
	"context"
	"iter"

	"github.com/gosched/gosched/format"
)

// spoiled gives the events of a trace as they are in memory, checked by nobody.
type spoiled struct{ *format.Memory }

func (s spoiled) Batches(context.Context, format.Selection) iter.Seq2[*format.Batch, error] {
	return func(yield func(*format.Batch, error) bool) { yield(&s.Events, nil) }
}
