// Command objects waits, until its standard input ends, for two channels, two conditions and -locks
// mutexes, those of a sort at one place in its code: each goroutine always for the same thing, and two
// goroutines for each.
package main

import (
	"flag"
	"io"
	"os"
	"sync"
	"time"
)

const pause = 200 * time.Microsecond

func main() {
	locks := flag.Int("locks", 2, "so many mutexes")
	flag.Parse()
	var channels [2]chan int
	var conds [2]*sync.Cond
	for i := range channels {
		channels[i], conds[i] = make(chan int), sync.NewCond(new(sync.Mutex))
	}
	for i := 0; i < 4; i++ {
		go receive(channels[i%2])
		go await(conds[i%2])
	}
	mutexes := make([]sync.Mutex, *locks)
	for i := 0; i < 2**locks; i++ {
		go lock(&mutexes[i%*locks], pause*time.Duration(*locks)/2)
	}
	for i := range channels {
		go feed(channels[i], conds[i])
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		os.Exit(1)
	}
}

func receive(c chan int) {
	for {
		<-c
	}
}

// lock holds the mutex most of the time, so that the other goroutine has to wait for it.
func lock(mu *sync.Mutex, held time.Duration) {
	for {
		mu.Lock()
		time.Sleep(held)
		mu.Unlock()
	}
}

func await(c *sync.Cond) {
	for {
		c.L.Lock()
		c.Wait()
		c.L.Unlock()
	}
}

func feed(c chan int, cond *sync.Cond) {
	for {
		c <- 1
		c <- 2
		cond.Broadcast()
		time.Sleep(pause)
	}
}
