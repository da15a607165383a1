package main

import (
	"sync"
	"time"
)

var wakeCases = map[string]func() error{
	"goroutine-growth": growth,
	"leak":             leak,
	"thundering-herd":  func() error { return crew(0) },
	"timer-storm":      timerStorm,
}

// crew waits for a condition; work is what each does when it is woken.
func crew(work time.Duration) error {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	over := false
	var wg sync.WaitGroup
	for i := 0; i < 30; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			for !over {
				c.Wait()
				if work > 0 {
					mu.Unlock()
					busy(work)
					mu.Lock()
				}
			}
			mu.Unlock()
		}()
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		c.Broadcast()
		mu.Unlock()
	}
	mu.Lock()
	over = true
	c.Broadcast()
	mu.Unlock()
	wg.Wait()
	return nil
}

func timerStorm() error { return crowd(20, always(func() { time.Sleep(2 * time.Millisecond) })) }

// growth starts goroutines that come back, but much later.
func growth() error {
	return crowd(1, always(func() {
		go time.Sleep(time.Minute)
		time.Sleep(2 * time.Millisecond)
	}))
}

// notify leaves a goroutine behind when nobody takes its answer.
//
//go:noinline
func notify() {
	answer := make(chan int)
	go func() { answer <- 1 }()
}

func leak() error {
	return crowd(1, always(func() {
		notify()
		time.Sleep(20 * time.Millisecond)
	}))
}
