// Planted does what services do, with one known cause for most of the waiting. -case names it; each
// has healthy goroutines around it: an accept loop without clients, a ticker, a main that waits for
// everybody.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"gosched.test/progs/internal/bracket"
)

// length is how long a case lasts.
const length = 1500 * time.Millisecond

var cases = map[string]func() error{
	"busy-loop":        busyLoop,
	"cond-producer":    condProducer,
	"cpu-hog":          cpuHog,
	"dispatcher":       dispatcher,
	"exec-under-lock":  execUnderLock,
	"fsync-under-lock": fsyncUnderLock,
	"gc-assist":        gcAssist,
	"limiter":          limiter,
	"log-pipe":         logPipe,
	"nested-locks":     nestedLocks,
	"pipeline":         pipeline,
	"remote-slow":      remoteSlow,
	"semaphore":        semaphore,
	"singleflight":     singleflight,
	"sleep-under-lock": sleepUnderLock,
	"slow-consumer":    slowConsumer,
	"slow-reader":      slowReader,
	"straggler":        straggler,
	"three-hops":       threeHops,
	"unpreempted":      unpreempted,
}

// children are what the cases start processes for.
var children = map[string]func(){
	"child-echo":   echoAfterAWhile,
	"child-hog":    hog,
	"child-reader": readSlowly,
	"child-writer": writeSlowly,
	"child-tool":   func() { time.Sleep(15 * time.Millisecond) },
}

func main() {
	name := flag.String("case", "", "what to do: "+strings.Join(names(), ", "))
	if len(os.Args) > 2 && os.Args[1] == "-case" && children[os.Args[2]] != nil {
		children[os.Args[2]]()
		return
	}
	bracket.Main(func() error {
		work := cases[*name]
		if work == nil {
			return fmt.Errorf("there is no case %q", *name)
		}
		runtime.GOMAXPROCS(2)
		stop, err := surroundings()
		if err != nil {
			return err
		}
		defer stop()
		return work()
	})
}

func names() []string {
	var list []string
	for name := range cases {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// surroundings are goroutines that wait because there is nothing to do.
func surroundings() (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	jobs := make(chan int)
	for i := 0; i < 4; i++ {
		go idleWorker(jobs)
	}
	go acceptLoop(l)
	go tick(done)
	return func() {
		close(done)
		close(jobs)
		l.Close()
	}, nil
}

func acceptLoop(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

func idleWorker(jobs chan int) {
	for range jobs {
	}
}

func tick(done chan struct{}) {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-done:
			return
		}
	}
}

// crowd runs n goroutines that do something again and again until the time is up, and fails if
// nothing was done.
func crowd(n int, do func() error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done int64
	var failed error
	end := time.Now().Add(length)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				err := do()
				mu.Lock()
				done++
				if failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	if failed == nil && done < int64(n) {
		failed = fmt.Errorf("%d rounds of %d goroutines", done, n)
	}
	return failed
}
