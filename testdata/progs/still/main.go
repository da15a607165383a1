// Still has goroutines that wait in all the usual ways and do not move. It prints its own dump of
// them, and waits for its standard input to end.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	more := flag.Int("more", 0, "more goroutines that wait for a channel; no dump then")
	flag.Parse()
	block := make(chan int)
	for i := 0; i < 8; i++ {
		go receive(block, i)
	}
	go send(make(chan int))
	go choose(block, make(chan int))
	go forever()
	var mu sync.Mutex
	mu.Lock()
	go lock(&mu)
	var wg sync.WaitGroup
	wg.Add(1)
	go wait(&wg)
	go signalled(sync.NewCond(&sync.Mutex{}))
	go sleep()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go accept(l)
	for i := 0; i < *more; i++ {
		go receive(block, i)
	}
	time.Sleep(100 * time.Millisecond)
	if *more == 0 {
		buf := make([]byte, 1<<20)
		os.Stdout.Write(buf[:runtime.Stack(buf, true)])
	}
	fmt.Println("\n\nend of dump")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

//go:noinline
func receive(c chan int, _ int) { <-c }

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func choose(a, b chan int) {
	select {
	case <-a:
	case <-b:
	}
}

//go:noinline
func forever() { select {} }

//go:noinline
func lock(mu *sync.Mutex) {
	mu.Lock()
	mu.Unlock()
}

//go:noinline
func wait(wg *sync.WaitGroup) { wg.Wait() }

//go:noinline
func signalled(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
	c.L.Unlock()
}

//go:noinline
func sleep() { time.Sleep(time.Hour) }

//go:noinline
func accept(l net.Listener) {
	c, err := l.Accept()
	if err == nil {
		c.Close()
	}
}
