package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The load steps: of so many seconds the first are full load and the others a tenth of it. Only what is
// done under full load counts.
const (
	stepEvery = 5 * time.Second
	fullFor   = 4 * time.Second
)

// full says whether there is full load now, by the wall clock: all processes step at once.
func full() bool { return time.Duration(time.Now().UnixNano())%stepEvery < fullFor }

// breathe waits where the load is low, so that about a tenth is left of it.
func breathe(unit time.Duration) {
	if !full() {
		time.Sleep(9 * unit)
	}
}

// tell prints how much was done under full load, and for how long there was full load, many times a
// second until standard input ends.
func tell(done *atomic.Int64) {
	go func() {
		var work, fullNS int64
		last, lastAt := done.Load(), time.Now()
		for range time.Tick(50 * time.Millisecond) {
			now, at := done.Load(), time.Now()
			if full() && time.Duration(at.UnixNano())%stepEvery > 500*time.Millisecond {
				work, fullNS = work+now-last, fullNS+int64(at.Sub(lastAt))
			}
			last, lastAt = now, at
			fmt.Printf("%d %d %d\n", at.UnixNano(), work, fullNS)
		}
	}()
}

// obey starts and stops Go's own tracer, as standard input says, until that ends.
func obey() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch strings.TrimSpace(lines.Text()) {
		case "trace":
			if err := trace.Start(io.Discard); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		case "no trace":
			trace.Stop()
		}
	}
}

func serve(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	hello := []byte("hello\n")
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(hello) }))
	obey()
	return nil
}

const connections = 32

// load has so many connections ask one question after the other. It does not parse what comes, so that
// most of the CPU time is the server's.
func load(args []string) error {
	var done atomic.Int64
	request := []byte("GET / HTTP/1.1\r\nHost: cost\r\n\r\n")
	for range connections {
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		go func() {
			answer := make([]byte, 4096)
			for {
				began := time.Now()
				if _, err := c.Write(request); err != nil {
					return
				}
				if _, err := c.Read(answer); err != nil {
					return
				}
				done.Add(1)
				breathe(time.Since(began))
			}
		}()
	}
	tell(&done)
	obey()
	return nil
}

// channels has pairs of goroutines send to each other, and work a little in between.
func channels([]string) error {
	var done atomic.Int64
	var mu sync.Mutex
	shared := map[int]int{}
	for pair := range 2 * runtime.GOMAXPROCS(0) {
		there, back := make(chan int), make(chan int)
		go func() {
			for n := range there {
				back <- work(n)
			}
		}()
		go func() {
			for n := 0; ; n++ {
				began := time.Now()
				there <- n
				got := <-back
				if n%16 == 0 {
					mu.Lock()
					shared[pair] = got
					mu.Unlock()
				}
				done.Add(1)
				breathe(time.Since(began))
			}
		}()
	}
	tell(&done)
	obey()
	return nil
}

// work takes some microseconds.
func work(n int) int {
	for range 4000 {
		n = n*1103515245 + 12345
	}
	return n
}
