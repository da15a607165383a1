// Channels passes values over unbuffered and buffered channels, one to one, many to many, and by
// closing.
package main

import (
	"sync"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(pingPong(4000), buffered(8, 2000), fanIn(), broadcast(50), ring(40, 50))
	})
}

// pingPong sends n numbers there and back over unbuffered channels.
func pingPong(n int64) error {
	there, back := make(chan int64), make(chan int64)
	go func() {
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
	return bracket.Check("ping-pong sum", sum, n*(n+1)/2)
}

// buffered sends each of n numbers from each of some producers through a small buffer.
func buffered(producers int, n int64) error {
	c := make(chan int64, 4)
	var wg sync.WaitGroup
	for p := 0; p < producers; p++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int64(1); i <= n; i++ {
				c <- i
			}
		}()
	}
	go func() {
		wg.Wait()
		close(c)
	}()
	var sum int64
	for v := range c {
		sum += v
	}
	return bracket.Check("buffered sum", sum, int64(producers)*n*(n+1)/2)
}

// fanIn has many senders on one unbuffered channel and many receivers behind it.
func fanIn() error {
	const senders, receivers, each = 16, 4, 100
	c, sums := make(chan int64), make(chan int64)
	var wg sync.WaitGroup
	wg.Add(senders)
	for s := 0; s < senders; s++ {
		go func() {
			defer wg.Done()
			for i := 0; i < each; i++ {
				c <- 1
			}
		}()
	}
	for r := 0; r < receivers; r++ {
		go func() {
			var sum int64
			for v := range c {
				sum += v
			}
			sums <- sum
		}()
	}
	wg.Wait()
	close(c)
	var total int64
	for r := 0; r < receivers; r++ {
		total += <-sums
	}
	return bracket.Check("fan-in total", total, senders*each)
}

// broadcast wakes n goroutines at once by closing a channel.
func broadcast(n int) error {
	start, done := make(chan struct{}), make(chan int64, n)
	for i := 0; i < n; i++ {
		go func() {
			<-start
			done <- 1
		}()
	}
	close(start)
	var sum int64
	for i := 0; i < n; i++ {
		sum += <-done
	}
	return bracket.Check("woken by close", sum, int64(n))
}

// ring sends a token through n goroutines, laps times.
func ring(n int, laps int64) error {
	first := make(chan int64)
	last := first
	for i := 0; i < n; i++ {
		in, out := last, make(chan int64)
		go func() {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}()
		last = out
	}
	var sum int64
	for i := int64(0); i < laps; i++ {
		first <- 0
		sum += <-last
	}
	close(first)
	<-last
	return bracket.Check("ring hops", sum, laps*int64(n))
}
