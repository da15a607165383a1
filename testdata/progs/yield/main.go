// Yield has goroutines give way to each other with runtime.Gosched.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(turns(10, 1500), alone(500), handOff(4, 10))
	})
}

// turns has n goroutines yield many times.
func turns(n int, times int64) error {
	var wg sync.WaitGroup
	var count int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for t := int64(0); t < times; t++ {
				atomic.AddInt64(&count, 1)
				runtime.Gosched()
			}
		}()
	}
	wg.Wait()
	return bracket.Check("turns", count, int64(n)*times)
}

// alone yields with nobody to yield to.
func alone(n int) error {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	return nil
}

// handOff spins on a turn counter, yielding: each goroutine runs in its turn alone.
func handOff(n int, rounds int64) error {
	var wg sync.WaitGroup
	var turn int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(me int64) {
			defer wg.Done()
			for r := int64(0); r < rounds; r++ {
				for atomic.LoadInt64(&turn)%int64(n) != me {
					runtime.Gosched()
				}
				atomic.AddInt64(&turn, 1)
			}
		}(int64(i))
	}
	wg.Wait()
	return bracket.Check("turns handed on", turn, int64(n)*rounds)
}
