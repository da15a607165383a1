// Stalls works at a steady pace and, from time to time, has more to compute than it has Ps: then its
// goroutines wait long to run. One goroutine waits for ever from the beginning on.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	every := flag.Duration("every", 20*time.Second, "time from one stall to the next")
	lasts := flag.Duration("lasts", 3*time.Second, "time that a stall lasts")
	first := flag.Duration("first", 10*time.Second, "time to the first stall")
	hogs := flag.Int("hogs", 24, "goroutines that compute in a stall")
	contend := flag.Int("contend", 0, "goroutines that do nothing but go through a section one by one")
	pace := flag.Duration("pace", 2*time.Millisecond, "time from one piece of work to the next, of each worker")
	flag.Parse()
	runtime.GOMAXPROCS(2)
	go waitForEver(make(chan struct{}))
	for i := 0; i < 20; i++ {
		go work(*pace)
	}
	var section sync.Mutex
	for i := 0; i < *contend; i++ {
		go goThrough(&section)
	}
	time.Sleep(*first)
	for {
		fmt.Fprintln(os.Stdout, time.Now().UnixNano())
		stall(*hogs, *lasts)
		time.Sleep(*every - *lasts)
	}
}

//go:noinline
func waitForEver(c chan struct{}) { <-c }

// work passes a value to a goroutine of its own and back, at a pace.
func work(pace time.Duration) {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v + 1
		}
	}()
	for v := 0; ; {
		there <- v
		v = <-back
		time.Sleep(pace)
	}
}

// goThrough goes through a section in which it sleeps, again and again.
func goThrough(section *sync.Mutex) {
	for {
		section.Lock()
		time.Sleep(5 * time.Millisecond)
		section.Unlock()
	}
}

// stall has all Ps compute.
func stall(hogs int, lasts time.Duration) {
	until := time.Now().Add(lasts)
	var all sync.WaitGroup
	for i := 0; i < hogs; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(until) {
			}
		}()
	}
	all.Wait()
}
