// A plugin whose code makes every kind of move: its copy of the runtime's functions does most of
// them.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Work is what plugged looks up.
func Work() error {
	var wg sync.WaitGroup
	for _, work := range []func() error{pingPong, locks, yields, sleeps, coroutines} {
		wg.Add(1)
		go func(work func() error) {
			defer wg.Done()
			for i := 0; i < 5; i++ {
				if err := work(); err != nil {
					panic(err)
				}
			}
		}(work)
	}
	wg.Wait()
	return nil
}

func pingPong() error {
	const n = 500
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	sum := 0
	for i := 0; i < n; i++ {
		there <- i
		sum += <-back
	}
	close(there)
	return check("ping-pong", sum, n*(n+1)/2)
}

func locks() error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 20; j++ {
				mu.Lock()
				count++
				runtime.Gosched()
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return check("locked sections", count, 80)
}

func yields() error {
	for i := 0; i < 200; i++ {
		runtime.Gosched()
	}
	return nil
}

func sleeps() error {
	for i := 0; i < 5; i++ {
		time.Sleep(time.Millisecond)
	}
	return nil
}

func check(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("%s: got %d, want %d", what, got, want)
	}
	return nil
}

func main() {}
