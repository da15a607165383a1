// Many keeps ten thousand goroutines alive at once.
package main

import (
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

const goroutines = 10_000

func main() {
	bracket.Main(func() error { return bracket.First(gate(), chain()) })
}

// gate has all of them wait for one channel to close.
func gate() error {
	var ready, done sync.WaitGroup
	var passed int64
	open := make(chan struct{})
	ready.Add(goroutines)
	done.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func() {
			defer done.Done()
			ready.Done()
			<-open
			atomic.AddInt64(&passed, 1)
		}()
	}
	ready.Wait()
	close(open)
	done.Wait()
	return bracket.Check("passed the gate", passed, goroutines)
}

// chain passes a number through all of them, each adding one.
func chain() error {
	first := make(chan int64)
	last := first
	for i := 0; i < goroutines; i++ {
		in, out := last, make(chan int64)
		go func() { out <- 1 + <-in }()
		last = out
	}
	first <- 0
	return bracket.Check("end of the chain", <-last, goroutines)
}
