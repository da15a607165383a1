package main

import (
	"sync"
	"time"
)

// consume is too slow for its producers.
//
//go:noinline
func consume(in chan int, stopped chan struct{}) {
	for range in {
		for t := time.Now(); time.Since(t) < 2*time.Millisecond; {
		}
	}
	close(stopped)
}

func slowConsumer() error {
	in := make(chan int)
	stopped := make(chan struct{})
	go consume(in, stopped)
	err := crowd(4, func() error {
		in <- 1
		return nil
	})
	close(in)
	<-stopped
	return err
}

//go:noinline
func stageOne(in, out chan int) {
	for v := range in {
		out <- v
	}
	close(out)
}

//go:noinline
func stageTwo(in, out chan int) {
	for v := range in {
		for t := time.Now(); time.Since(t) < 100*time.Microsecond; {
		}
		out <- v
	}
	close(out)
}

//go:noinline
func stageThree(in, out chan int) {
	for v := range in {
		for t := time.Now(); time.Since(t) < 2*time.Millisecond; {
		}
		out <- v
	}
	close(out)
}

func stageFour(in chan int, stopped chan struct{}) {
	for range in {
	}
	close(stopped)
}

func pipeline() error {
	a, b, c, d := make(chan int, 4), make(chan int, 4), make(chan int, 4), make(chan int, 4)
	stopped := make(chan struct{})
	go stageOne(a, b)
	go stageTwo(b, c)
	go stageThree(c, d)
	go stageFour(d, stopped)
	err := crowd(2, func() error {
		a <- 1
		return nil
	})
	close(a)
	<-stopped
	return err
}

// job is work with the place for its answer.
type job struct{ answer chan int }

// dispatch does the work itself that it should hand on.
//
//go:noinline
func dispatch(in, urgent chan job, done chan struct{}) {
	for {
		select {
		case j := <-in:
			for t := time.Now(); time.Since(t) < 2*time.Millisecond; {
			}
			j.answer <- 1
		case j := <-urgent:
			j.answer <- 2
		case <-done:
			return
		}
	}
}

func dispatcher() error {
	in, urgent, done := make(chan job), make(chan job), make(chan struct{})
	go dispatch(in, urgent, done)
	defer close(done)
	var mu sync.Mutex
	turn := 0
	return crowd(6, func() error {
		mu.Lock()
		turn++
		to := in
		if turn%3 == 0 {
			to = urgent
		}
		mu.Unlock()
		j := job{make(chan int)}
		to <- j
		<-j.answer
		return nil
	})
}

// refill lets one pass every 4 ms.
//
//go:noinline
func refill(tokens chan struct{}, done chan struct{}) {
	for {
		time.Sleep(4 * time.Millisecond)
		select {
		case tokens <- struct{}{}:
		case <-done:
			return
		}
	}
}

func limiter() error {
	tokens, done := make(chan struct{}), make(chan struct{})
	go refill(tokens, done)
	defer close(done)
	return crowd(4, func() error {
		<-tokens
		return nil
	})
}

func hop(in chan job, next chan job) {
	for j := range in {
		mine := job{make(chan int)}
		next <- mine
		j.answer <- <-mine.answer
	}
	close(next)
}

// lastHop is the only one that does anything.
//
//go:noinline
func lastHop(in chan job) {
	for j := range in {
		for t := time.Now(); time.Since(t) < 2*time.Millisecond; {
		}
		j.answer <- 1
	}
}

func threeHops() error {
	a, b, c := make(chan job), make(chan job), make(chan job)
	go hop(a, b)
	go hop(b, c)
	go lastHop(c)
	err := crowd(4, func() error {
		j := job{make(chan int)}
		a <- j
		<-j.answer
		return nil
	})
	close(a)
	return err
}

// quick is what most of the work is like.
//
//go:noinline
func quick() {
	for t := time.Now(); time.Since(t) < 100*time.Microsecond; {
	}
}

// slow is the one part that the others are waited for with.
//
//go:noinline
func slow(wg *sync.WaitGroup) {
	for t := time.Now(); time.Since(t) < 8*time.Millisecond; {
	}
	wg.Done()
}

func straggler() error {
	return crowd(1, func() error {
		var wg sync.WaitGroup
		wg.Add(5)
		go slow(&wg)
		for i := 0; i < 4; i++ {
			go func() {
				defer wg.Done()
				quick()
			}()
		}
		wg.Wait()
		return nil
	})
}
