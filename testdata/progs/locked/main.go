// Locked runs goroutines that are wired to their threads.
package main

import (
	"runtime"
	"sync"
	"syscall"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(pingPong(1500), nested(200), die(10), ids(4, 200))
	})
}

// pingPong talks to a goroutine that is locked to its thread.
func pingPong(n int64) error {
	there, back := make(chan int64), make(chan int64)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	var sum int64
	for i := int64(0); i < n; i++ {
		there <- i
		sum += <-back
	}
	close(there)
	<-back
	return bracket.Check("locked ping-pong", sum, n*(n+1)/2)
}

// nested locks and unlocks twice over, yielding in between.
func nested(n int) error {
	for i := 0; i < n; i++ {
		runtime.LockOSThread()
		runtime.LockOSThread()
		runtime.Gosched()
		runtime.UnlockOSThread()
		runtime.UnlockOSThread()
	}
	return nil
}

// die lets goroutines end while they are locked, which ends their threads too.
func die(n int) error {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			runtime.Gosched()
		}()
	}
	wg.Wait()
	return nil
}

// ids checks that a locked goroutine stays where it is.
func ids(n, rounds int) error {
	var wg sync.WaitGroup
	moved := make([]int64, n)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			tid := syscall.Gettid()
			for r := 0; r < rounds; r++ {
				runtime.Gosched()
				if syscall.Gettid() != tid {
					moved[i]++
				}
			}
		}(i)
	}
	wg.Wait()
	var sum int64
	for _, m := range moved {
		sum += m
	}
	return bracket.Check("moves of locked goroutines", sum, 0)
}
