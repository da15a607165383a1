// Timers sleeps, ticks, and has functions called later.
package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(sleepers(40, 10), ticks(40), later(200), deadlines(40), resets(200), zero(200))
	})
}

// sleepers has goroutines sleep for different times.
func sleepers(n, times int) error {
	var wg sync.WaitGroup
	var slept int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for t := 0; t < times; t++ {
				time.Sleep(time.Duration(i*37+t*101+50) * time.Microsecond)
				atomic.AddInt64(&slept, 1)
			}
		}(i)
	}
	wg.Wait()
	return bracket.Check("sleeps", slept, int64(n*times))
}

// ticks counts a ticker's ticks.
func ticks(n int64) error {
	t := time.NewTicker(500 * time.Microsecond)
	defer t.Stop()
	var seen int64
	for seen < n {
		<-t.C
		seen++
	}
	return bracket.Check("ticks", seen, n)
}

// later starts functions by timer; each is a goroutine that no goroutine created.
func later(n int) error {
	var wg sync.WaitGroup
	var ran int64
	wg.Add(n)
	for i := 0; i < n; i++ {
		time.AfterFunc(time.Duration(i*20)*time.Microsecond, func() {
			atomic.AddInt64(&ran, 1)
			wg.Done()
		})
	}
	wg.Wait()
	return bracket.Check("AfterFunc calls", ran, int64(n))
}

// deadlines waits for contexts to expire.
func deadlines(n int64) error {
	var late int64
	for i := int64(0); i < n; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
		<-ctx.Done()
		if ctx.Err() == context.DeadlineExceeded {
			late++
		}
		cancel()
	}
	return bracket.Check("deadlines", late, n)
}

// resets moves a timer before it fires, then lets it fire.
func resets(n int64) error {
	var fired int64
	for i := int64(0); i < n; i++ {
		t := time.NewTimer(time.Hour)
		if !t.Stop() {
			<-t.C
		}
		t.Reset(20 * time.Microsecond)
		<-t.C
		fired++
	}
	return bracket.Check("timers fired", fired, n)
}

// zero sleeps for no time and for a moment that has passed.
func zero(n int) error {
	for i := 0; i < n; i++ {
		time.Sleep(0)
		time.Sleep(-1)
		time.Sleep(1)
	}
	return nil
}
