package main

import (
	"context"
	"os"
	"os/signal"
	"time"
)

// apart is how long after a signal another one is meant for itself: sudo, timeout and a terminal pass
// one on that has come already.
const apart = 500 * time.Millisecond

// untilEnding is a context that ends with a signal. A second one ends gosched at once, and the
// kernel what it started.
func untilEnding(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, func() { time.AfterFunc(apart, stop) })
	return ctx, stop
}
