// Command service works until its standard input ends, and checks every answer that its goroutines
// give each other. For each line that it reads it prints the work done so far and the CPU time that
// it took, so that a bench can compare stretches of its life. After a line "rest" the ping-pong pauses
// until there is a line "work".
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	rounds int64 // of channel ping-pong
	served int64 // HTTP requests answered
	rests  int32 // 1: the ping-pong pauses
)

func main() {
	procs := flag.Int("procs", 0, "GOMAXPROCS, 0: as it is")
	pingpong := flag.Bool("pingpong", true, "two goroutines that hand each other a number")
	clients := flag.Int("clients", 0, "goroutines that ask an HTTP server in this process")
	depth := flag.Int("depth", 4, "calls below the goroutines of the ping-pong")
	replace := flag.String("exec", "", "a program to become after some work")
	flag.Parse()
	if *procs > 0 {
		runtime.GOMAXPROCS(*procs)
	}
	if *pingpong {
		startPingPong(*depth)
	}
	if *clients > 0 {
		startHTTP(*clients)
	}
	if *replace != "" {
		time.Sleep(100 * time.Millisecond)
		fail(syscall.Exec(*replace, []string{*replace}, nil))
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "rest":
			atomic.StoreInt32(&rests, 1)
		case "work":
			atomic.StoreInt32(&rests, 0)
		}
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			fail(err)
		}
		fmt.Println(atomic.LoadInt64(&rounds), atomic.LoadInt64(&served), u.Utime.Nano()+u.Stime.Nano())
	}
}

func fail(why interface{}) {
	fmt.Fprintln(os.Stderr, "service:", why)
	os.Exit(1)
}

func startPingPong(depth int) {
	ping, pong := make(chan int64), make(chan int64)
	go deep(depth, func() {
		for v := range ping {
			pong <- 2*v + 1
		}
	})
	go deep(depth, func() {
		for v := int64(0); ; v++ {
			for atomic.LoadInt32(&rests) != 0 {
				time.Sleep(5 * time.Millisecond)
			}
			ping <- v
			if got := <-pong; got != 2*v+1 {
				fail(fmt.Sprintf("ping-pong answered %d to %d", got, v))
			}
			atomic.AddInt64(&rounds, 1)
		}
	})
}

//go:noinline
func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
	runtime.KeepAlive(n)
}

func startHTTP(clients int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	go func() {
		fail(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
			if err != nil {
				fail(err)
			}
			fmt.Fprint(w, n+1)
		})))
	}()
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	for i := 0; i < clients; i++ {
		go ask(&http.Client{Transport: transport}, "http://"+l.Addr().String()+"/?n=")
	}
}

func ask(c *http.Client, url string) {
	for n := int64(0); ; n++ {
		resp, err := c.Get(url + strconv.FormatInt(n, 10))
		if err != nil {
			fail(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			fail(err)
		}
		resp.Body.Close()
		if string(body) != strconv.FormatInt(n+1, 10) {
			fail(fmt.Sprintf("HTTP answered %q to %d", body, n))
		}
		atomic.AddInt64(&served, 1)
	}
}
