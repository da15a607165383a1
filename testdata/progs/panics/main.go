// Panics ends goroutines in every way there is: return, Goexit, recovered panic, in deferred calls
// and out of them.
package main

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(recovered(200), exits(500), faults(50), deep(50), returns(2000))
	})
}

// together runs f in n goroutines and waits for all of them, however they end.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			f(i)
		}(i)
	}
	wg.Wait()
}

func recovered(n int) error {
	var caught int64
	together(n, func(i int) {
		defer func() {
			if r := recover(); r == i {
				atomic.AddInt64(&caught, 1)
			}
		}()
		panic(i)
	})
	return bracket.Check("recovered panics", caught, int64(n))
}

func exits(n int) error {
	var deferred, after int64
	together(n, func(i int) {
		defer atomic.AddInt64(&deferred, 1)
		if i%2 == 0 {
			runtime.Goexit()
		} else {
			defer runtime.Goexit()
			defer func() { recover() }()
			panic("replaced by Goexit")
		}
		atomic.AddInt64(&after, 1)
	})
	return bracket.First(bracket.Check("deferred calls", deferred, int64(n)), bracket.Check("lines after Goexit", after,
		0))
}

// faults has the kernel report nil pointers to the runtime.
func faults(n int) error {
	var caught int64
	together(n, func(int) {
		defer func() {
			var re runtime.Error
			if err, ok := recover().(error); ok && errors.As(err, &re) {
				atomic.AddInt64(&caught, 1)
			}
		}()
		var p *[1 << 20]int
		p[5] = 1
	})
	return bracket.Check("nil dereferences caught", caught, int64(n))
}

// deep panics far down a stack that has grown several times, and again while it unwinds.
func deep(n int) error {
	var unwound int64
	together(n, func(int) {
		defer func() { recover() }()
		descend(500, &unwound)
	})
	return bracket.Check("frames unwound", unwound, int64(n)*500)
}

func descend(depth int, unwound *int64) {
	if depth == 0 {
		panic("bottom")
	}
	defer func() {
		atomic.AddInt64(unwound, 1)
		if depth%100 == 0 {
			panic(recover())
		}
	}()
	descend(depth-1, unwound)
}

// returns starts goroutines that do nothing.
func returns(n int) error {
	var count int64
	together(n, func(int) { atomic.AddInt64(&count, 1) })
	return bracket.Check("goroutines that returned", count, int64(n))
}
