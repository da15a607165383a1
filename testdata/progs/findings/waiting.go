package main

import (
	"sync"
	"time"
)

//go:noinline
func locked(mu *sync.Mutex, d time.Duration) {
	mu.Lock()
	spin(d)
	mu.Unlock()
}

// lockConvoy has eight goroutines do all of their work under one lock.
func lockConvoy() error {
	var mu sync.Mutex
	crowd(8, func() { locked(&mu, 300*time.Microsecond) })
	return nil
}

// lockBriefly takes a lock as often, for next to nothing.
func lockBriefly() error {
	var mu sync.Mutex
	crowd(2, func() {
		for i := 0; i < 50; i++ {
			locked(&mu, 0)
		}
		time.Sleep(5 * time.Millisecond)
	})
	return nil
}

//go:noinline
func collect(in chan int, d time.Duration, stopped chan struct{}) {
	for range in {
		spin(d)
	}
	close(stopped)
}

// fanIn has six goroutines send to one that is too slow.
func fanIn() error {
	in, stopped := make(chan int), make(chan struct{})
	go collect(in, 300*time.Microsecond, stopped)
	crowd(6, func() { in <- 1 })
	close(in)
	<-stopped
	return nil
}

// fanInKeptUp has them send less than the receiver can take.
func fanInKeptUp() error {
	in, stopped := make(chan int), make(chan struct{})
	go collect(in, 0, stopped)
	crowd(6, func() {
		for i := 0; i < 10; i++ {
			in <- 1
		}
		time.Sleep(20 * time.Millisecond)
	})
	close(in)
	<-stopped
	return nil
}

// crew waits for a condition; work is what each does when it is woken.
func crew(work time.Duration) error {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	round, over := 0, false
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
					spin(work)
					mu.Lock()
				}
			}
			mu.Unlock()
		}()
	}
	for end := time.Now().Add(length); time.Now().Before(end); round++ {
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

func herd() error { return crew(0) }

func startSignal() error { return crew(400 * time.Microsecond) }

func timerStorm() error {
	crowd(20, func() { time.Sleep(2 * time.Millisecond) })
	return nil
}

func fewTimers() error {
	crowd(4, func() { time.Sleep(20 * time.Millisecond) })
	return nil
}

// growth starts goroutines that come back, but much later.
func growth() error {
	crowd(1, func() {
		go time.Sleep(time.Minute)
		time.Sleep(2 * time.Millisecond)
	})
	return nil
}

func pool() error {
	for i := 0; i < 1000; i++ {
		go time.Sleep(time.Minute)
	}
	return idle()
}

// ask leaves a goroutine behind when nobody takes its answer.
//
//go:noinline
func ask() {
	answer := make(chan int)
	go func() { answer <- 1 }()
}

func leak() error {
	crowd(1, func() {
		ask()
		time.Sleep(20 * time.Millisecond)
	})
	return nil
}

func idleWorkers() error {
	jobs := make(chan int)
	for i := 0; i < 100; i++ {
		go func() {
			for range jobs {
			}
		}()
	}
	defer close(jobs)
	return idle()
}
