//go:build go1.23

// Coro pulls values out of iterators: coroutine switches that pass the scheduler by.
package main

import (
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(pull(1500), early(100), blocking(100), many(8, 200), panics(20))
	})
}

func numbers(n int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := int64(1); i <= n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// pull runs an iterator to its end.
func pull(n int64) error {
	next, stop := iter.Pull(numbers(n))
	defer stop()
	var sum int64
	for v, ok := next(); ok; v, ok = next() {
		sum += v
	}
	return bracket.Check("pulled", sum, n*(n+1)/2)
}

// early stops iterators before their end, some before their beginning.
func early(n int) error {
	var sum int64
	for i := 0; i < n; i++ {
		next, stop := iter.Pull(numbers(1000))
		for k := 0; k < i%3; k++ {
			v, _ := next()
			sum += v
		}
		stop()
	}
	var want int64
	for i := 0; i < n; i++ {
		want += []int64{0, 1, 3}[i%3]
	}
	return bracket.Check("pulled before stop", sum, want)
}

// blocking has the iterator itself block, yield and create goroutines.
func blocking(n int64) error {
	seq := func(yield func(int64) bool) {
		c := make(chan int64)
		go func() {
			for i := int64(0); i < n; i++ {
				c <- i
			}
			close(c)
		}()
		for v := range c {
			runtime.Gosched()
			if !yield(v) {
				return
			}
		}
	}
	next, stop := iter.Pull(seq)
	defer stop()
	var sum int64
	for v, ok := next(); ok; v, ok = next() {
		sum += v
	}
	return bracket.Check("pulled from a channel", sum, n*(n-1)/2)
}

// many has goroutines each pull from two iterators in turn.
func many(goroutines int, n int64) error {
	var wg sync.WaitGroup
	var total atomic.Int64
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			a, stopA := iter.Pull(numbers(n))
			b, stopB := iter.Pull(numbers(n))
			defer stopA()
			defer stopB()
			for {
				x, ok := a()
				y, _ := b()
				if !ok {
					return
				}
				total.Add(x + y)
			}
		}()
	}
	wg.Wait()
	return bracket.Check("pulled in pairs", total.Load(), int64(goroutines)*n*(n+1))
}

// panics lets iterators panic; the panic comes out at the caller of next.
func panics(n int64) error {
	var caught int64
	for i := int64(0); i < n; i++ {
		next, _ := iter.Pull(func(func(int64) bool) { panic("iterator") })
		func() {
			defer func() {
				if recover() != nil {
					caught++
				}
			}()
			next()
		}()
	}
	return bracket.Check("panics caught", caught, n)
}
