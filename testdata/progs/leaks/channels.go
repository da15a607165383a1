package main

import (
	"context"
	"errors"
	"time"
)

// query answers after a while, when nobody may be there any more.
//
//go:noinline
func query(out chan int, while time.Duration) {
	time.Sleep(while)
	out <- 1
}

// askFor gives up on an answer whose channel has no room for it.
func askFor(while time.Duration) (timeout bool) {
	out := make(chan int)
	go query(out, while)
	select {
	case <-out:
		return false
	case <-time.After(5 * time.Millisecond):
		return true
	}
}

// forgottenReceiver makes three queries that are answered at once for one that takes too long.
func forgottenReceiver() error {
	return steadily(func() (n int64, err error) {
		for _, while := range []time.Duration{0, 0, 0, 20 * time.Millisecond} {
			if askFor(while) {
				n++
			}
		}
		return n, nil
	})
}

// report waits for a result.
//
//go:noinline
func report(results chan int) int { return <-results }

var errNoRows = errors.New("no rows")

// load fails before there is a result, and leaves the channel open.
func load(results chan int) error {
	if len(results) == 0 {
		return errNoRows
	}
	close(results)
	return nil
}

func forgottenSender() error {
	return steadily(func() (int64, error) {
		results := make(chan int)
		go report(results)
		if err := load(results); !errors.Is(err, errNoRows) {
			return 0, err
		}
		return 1, nil
	})
}

// feed is what a client has subscribed to.
type feed struct{ news, prices chan int }

// follow has no way to hear that the client is gone.
//
//go:noinline
func (f *feed) follow(total *int) {
	for {
		select {
		case n := <-f.news:
			*total += n
		case n := <-f.prices:
			*total -= n
		}
	}
}

// selectNoExit has clients that come, get two messages and go.
func selectNoExit() error {
	return steadily(func() (int64, error) {
		f := &feed{make(chan int), make(chan int)}
		go f.follow(new(int))
		f.news <- 1
		f.prices <- 1
		return 1, nil
	})
}

// connection is a client's, with what should end it.
type connection struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// cleanUp waits for the end of the connection.
//
//go:noinline
func (c *connection) cleanUp() { <-c.ctx.Done() }

// contextNotCancelled forgets to call cancel.
func contextNotCancelled() error {
	all, stop := context.WithCancel(context.Background())
	defer stop()
	return steadily(func() (int64, error) {
		var c connection
		c.ctx, c.cancel = context.WithCancel(all)
		go c.cleanUp()
		return 1, nil
	})
}

// square is a worker of a pool that a request has to itself.
//
//go:noinline
func square(in, out chan int) {
	for n := range in {
		out <- n * n
	}
}

// poolNotClosed has two rounds of work done by a pool and forgets that the pool is still there.
func poolNotClosed() error {
	const workers = 3
	return steadily(func() (int64, error) {
		in, out := make(chan int), make(chan int, workers)
		for i := 0; i < workers; i++ {
			go square(in, out)
		}
		for round := 0; round < 2; round++ {
			for i := 0; i < workers; i++ {
				in <- i
			}
			for i := 0; i < workers; i++ {
				<-out
			}
		}
		return workers, nil
	})
}

// client has a channel that was never made.
type client struct{ closed chan struct{} }

//go:noinline
func (c *client) waitClosed() { <-c.closed }

func nilChannel() error {
	return steadily(func() (int64, error) {
		c := new(client)
		go c.waitClosed()
		return 1, nil
	})
}

// refresh keeps a session fresh whose user is gone.
//
//go:noinline
func refresh(fresh *int) {
	t := time.NewTicker(100 * time.Millisecond)
	for range t.C {
		*fresh++
	}
}

// tickerNotStopped leaves goroutines behind that go on being woken.
func tickerNotStopped() error {
	return steadily(func() (int64, error) {
		go refresh(new(int))
		return 1, nil
	})
}
