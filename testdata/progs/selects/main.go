// Selects waits on several channels at once: with a default, with a timeout, on nil channels, on
// none.
package main

import (
	"sync"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(merge(2000), polls(2000), timeouts(20), stuck(), cancel(64))
	})
}

// merge receives from three producers with one select.
func merge(n int64) error {
	a, b, c := make(chan int64), make(chan int64, 1), make(chan int64, 8)
	for _, out := range []chan int64{a, b, c} {
		go func(out chan<- int64) {
			for i := int64(1); i <= n; i++ {
				out <- i
			}
			close(out)
		}(out)
	}
	var sum int64
	for a != nil || b != nil || c != nil {
		select {
		case v, ok := <-a:
			if sum += v; !ok {
				a = nil
			}
		case v, ok := <-b:
			if sum += v; !ok {
				b = nil
			}
		case v, ok := <-c:
			if sum += v; !ok {
				c = nil
			}
		}
	}
	return bracket.Check("merged sum", sum, 3*n*(n+1)/2)
}

// polls sends where somebody listens and counts where nobody does.
func polls(n int64) error {
	c, total := make(chan int64), make(chan int64)
	go func() {
		var sum int64
		for v := range c {
			sum += v
		}
		total <- sum
	}()
	var missed int64
	for i := int64(0); i < n; i++ {
		select {
		case c <- 1:
		default:
			missed++
		}
	}
	close(c)
	return bracket.Check("sent and missed", <-total+missed, n)
}

// timeouts waits for a channel that never speaks.
func timeouts(n int64) error {
	never := make(chan int64)
	var late int64
	for i := int64(0); i < n; i++ {
		select {
		case <-never:
		case <-time.After(200 * time.Microsecond):
			late++
		}
	}
	return bracket.Check("timeouts", late, n)
}

// stuck leaves goroutines behind that wait for ever, each in its own way.
func stuck() error {
	var started sync.WaitGroup
	var none chan int64
	block := []func(){
		func() { select {} },
		func() { <-none },
		func() { none <- 1 },
		func() {
			select {
			case <-none:
			case none <- 1:
			}
		},
	}
	for _, f := range block {
		started.Add(1)
		go func(f func()) {
			started.Done()
			f()
		}(f)
	}
	started.Wait()
	time.Sleep(time.Millisecond)
	return nil
}

// cancel has n goroutines in a select on work and cancellation.
func cancel(n int) error {
	work, stop, done := make(chan int64), make(chan struct{}), make(chan int64)
	for i := 0; i < n; i++ {
		go func() {
			var sum int64
			for {
				select {
				case v := <-work:
					sum += v
				case <-stop:
					done <- sum
					return
				}
			}
		}()
	}
	for i := 0; i < 1000; i++ {
		work <- 1
	}
	close(stop)
	var sum int64
	for i := 0; i < n; i++ {
		sum += <-done
	}
	return bracket.Check("work done before cancellation", sum, 1000)
}
