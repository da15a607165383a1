package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// signals has a goroutine for signals that do not come, and one for the end that they would bring.
func signals() error {
	reload, quit := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	signal.Notify(quit, syscall.SIGTERM)
	end := make(chan struct{})
	go func() {
		for range reload {
		}
	}()
	go func() {
		<-quit
		close(end)
	}()
	go func() {
		<-end
		os.Exit(0)
	}()
	return again(10*time.Millisecond, func() error { return nil })
}

// subscriber reads what comes, and ends with its channel.
func subscriber(topic chan int, got *sync.WaitGroup) {
	for range topic {
		got.Done()
	}
}

// pubsub has 20 subscribers, of which two have a topic in which something happens.
func pubsub() error {
	var topics []chan int
	var got sync.WaitGroup
	for i := 0; i < 20; i++ {
		topics = append(topics, make(chan int))
		go subscriber(topics[i], &got)
	}
	return again(50*time.Millisecond, func() error {
		got.Add(2)
		topics[3] <- 1
		topics[11] <- 1
		got.Wait()
		return nil
	})
}

// cache forgets everything once an hour.
type cache struct {
	mu   sync.Mutex
	rows map[int]int
	stop chan struct{}
}

func (c *cache) clean() {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.mu.Lock()
			c.rows = map[int]int{}
			c.mu.Unlock()
		case <-c.stop:
			return
		}
	}
}

// audit sleeps between its rounds and cannot be stopped.
func (c *cache) audit() {
	for {
		time.Sleep(time.Hour)
		c.mu.Lock()
		delete(c.rows, 0)
		c.mu.Unlock()
	}
}

func janitor() error {
	c := &cache{rows: map[int]int{}, stop: make(chan struct{})}
	defer close(c.stop)
	go c.clean()
	go c.audit()
	return again(5*time.Millisecond, func() error {
		c.mu.Lock()
		c.rows[7]++
		c.mu.Unlock()
		return nil
	})
}

// tickerLoops has loops that turn often and loops that hardly do.
func tickerLoops() error {
	for _, every := range []time.Duration{10 * time.Millisecond, 700 * time.Millisecond, 30 * time.Second, time.Hour} {
		for i := 0; i < 3; i++ {
			go loop(every)
		}
	}
	return again(10*time.Millisecond, func() error { return nil })
}

func loop(every time.Duration) {
	for range time.Tick(every) {
	}
}

// selectMain has a main goroutine that waits for nothing, as main does where all work is done by
// others.
func selectMain() error {
	go func() { fail(again(10*time.Millisecond, func() error { return nil })) }()
	go func() {
		for range time.Tick(time.Second) {
		}
	}()
	select {}
}
