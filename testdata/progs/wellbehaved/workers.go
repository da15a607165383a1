package main

import (
	"fmt"
	"sync"
	"time"
)

// job is a number and the place for its square.
type job struct {
	n      int
	square chan int
}

func worker(jobs chan job) {
	for j := range jobs {
		j.square <- j.n * j.n
	}
}

// idlePool has eight workers and three jobs a second: in a short while some get none.
func idlePool() error {
	jobs := make(chan job)
	for i := 0; i < 8; i++ {
		go worker(jobs)
	}
	return again(300*time.Millisecond, func() error {
		j := job{7, make(chan int)}
		jobs <- j
		if got := <-j.square; got != 49 {
			return fmt.Errorf("the square of 7 is %d", got)
		}
		return nil
	})
}

// growingPool gets one more worker with each job; all of them get their turn.
func growingPool() error {
	jobs := make(chan job)
	return again(50*time.Millisecond, func() error {
		go worker(jobs)
		j := job{7, make(chan int)}
		jobs <- j
		if got := <-j.square; got != 49 {
			return fmt.Errorf("the square of 7 is %d", got)
		}
		return nil
	})
}

// fanOut gives each request to eight goroutines, one of which takes long.
func fanOut() error {
	return again(10*time.Millisecond, func() error {
		parts := make(chan int)
		for i := 0; i < 8; i++ {
			go part(i, parts)
		}
		sum := 0
		for i := 0; i < 8; i++ {
			sum += <-parts
		}
		if sum != 28 {
			return fmt.Errorf("the sum is %d", sum)
		}
		return nil
	})
}

func part(n int, parts chan int) {
	if n == 0 {
		time.Sleep(200 * time.Millisecond)
	}
	parts <- n
}

// batch waits ten minutes for its parts, each of which is at work, and another goroutine waits for
// that wait.
func batch() error {
	const parts = 4
	var wg sync.WaitGroup
	for i := 0; i < parts; i++ {
		wg.Add(1)
		go crunch(&wg)
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	go func() { <-done }()
	return again(10*time.Millisecond, func() error { return nil })
}

// crunch works now and then, as one who waits for a far machine does.
func crunch(wg *sync.WaitGroup) {
	defer wg.Done()
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
}

// pipeline ends in a stage that is slow: all before it wait to send.
func pipeline() error {
	a, b, c := make(chan int, 2), make(chan int, 2), make(chan int, 2)
	go source(a)
	go stage(a, b)
	go stage(b, c)
	return again(20*time.Millisecond, func() error {
		<-c
		return nil
	})
}

func source(out chan int) {
	for n := 0; ; n++ {
		out <- n
	}
}

func stage(in, out chan int) {
	for n := range in {
		out <- n + 1
	}
}

// queue is one whose consumers wait on a condition.
type queue struct {
	mu    sync.Mutex
	some  *sync.Cond
	items []int
	taken chan int
}

func (q *queue) put(n int) {
	q.mu.Lock()
	q.items = append(q.items, n)
	q.mu.Unlock()
	q.some.Signal()
}

func (q *queue) consume() {
	for {
		q.mu.Lock()
		for len(q.items) == 0 {
			q.some.Wait()
		}
		n := q.items[0]
		q.items = q.items[1:]
		q.mu.Unlock()
		q.taken <- n
	}
}

// condQueue has six consumers, and an item for one of them now and then.
func condQueue() error {
	q := &queue{taken: make(chan int)}
	q.some = sync.NewCond(&q.mu)
	for i := 0; i < 6; i++ {
		go q.consume()
	}
	return again(100*time.Millisecond, func() error {
		q.put(3)
		if n := <-q.taken; n != 3 {
			return fmt.Errorf("an item is %d", n)
		}
		return nil
	})
}
