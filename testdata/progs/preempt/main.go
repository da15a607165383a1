// Preempt computes without a pause: in a loop that calls nothing, and in one that calls functions.
package main

import (
	"sync"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(tight(4, 60_000_000), calls(4, 27), beside(3))
	})
}

// tight runs loops that only a signal can interrupt.
func tight(n int, steps uint64) error {
	var wg sync.WaitGroup
	sums := make([]uint64, n)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			sums[i] = loop(steps)
		}(i)
	}
	wg.Wait()
	for _, s := range sums {
		if err := bracket.Check("loop", int64(s), int64(sums[0])); err != nil {
			return err
		}
	}
	return nil
}

func loop(steps uint64) uint64 {
	x := uint64(88172645463325252)
	for i := uint64(0); i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// calls recurses; it can be stopped where a function begins.
func calls(n, depth int) error {
	var wg sync.WaitGroup
	results := make([]int64, n)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			results[i] = fib(depth + 3)
		}(i)
	}
	wg.Wait()
	var sum int64
	for _, r := range results {
		sum += r
	}
	return bracket.Check("fib", sum, int64(n)*832040)
}

//go:noinline
func fib(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	return fib(n-1) + fib(n-2)
}

// beside has a chatty pair of goroutines next to loops.
func beside(loops int) error {
	var wg sync.WaitGroup
	for i := 0; i < loops; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if loop(30_000_000) == 0 {
				panic("xorshift reached zero")
			}
		}()
	}
	c := make(chan int64)
	go func() {
		for i := int64(0); i < 10; i++ {
			c <- i
		}
		close(c)
	}()
	var sum int64
	for v := range c {
		sum += v
	}
	wg.Wait()
	return bracket.Check("chat beside loops", sum, 45)
}
