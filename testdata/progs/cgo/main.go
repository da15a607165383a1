// Cgo calls C, is called back by it, and is called by threads that C made.
package main

/*
#cgo LDFLAGS: -lpthread
#include "calls.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(short(3000), long(6), callbacks(4, 100), threads(6, 5))
	})
}

// short calls a C function that returns at once.
func short(n int64) error {
	var sum int64
	for i := int64(0); i < n; i++ {
		sum += int64(C.increment(C.long(i)))
	}
	return bracket.Check("C increments", sum, n*(n+1)/2)
}

// long stays in C for so long that the P is taken away.
func long(goroutines int) error {
	var wg sync.WaitGroup
	var slept int64
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, us := range []int{1, 50, 500, 5000, 15000} {
				atomic.AddInt64(&slept, int64(C.nap(C.long(us))))
			}
		}()
	}
	wg.Wait()
	return bracket.Check("naps in C", slept, int64(goroutines)*5)
}

var called int64

//export goCallback
func goCallback(depth C.long) {
	atomic.AddInt64(&called, 1)
	switch {
	case depth > 0:
		C.call_back(depth - 1)
	case depth == 0:
		runtime.Gosched()
	default:
		c := make(chan struct{})
		go close(c)
		<-c
	}
}

// callbacks goes from Go to C to Go, three times over, and yields or blocks at the innermost.
func callbacks(goroutines, n int) error {
	atomic.StoreInt64(&called, 0)
	var wg sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < n; i++ {
				C.call_back(2)
				C.call_back(-1)
			}
		}()
	}
	wg.Wait()
	return bracket.Check("callbacks", atomic.LoadInt64(&called), int64(goroutines*n*4))
}
