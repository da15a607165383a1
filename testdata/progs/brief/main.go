// Command brief is a server whose handlers' goroutines live for microseconds: a loop takes requests
// and starts a goroutine for each, as net/http does for connections. It works until its standard
// input ends. For each line that it reads it prints how many requests were answered.
//
// With -waiting N there are N goroutines more, that wait for something that never happens.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
)

type request struct {
	number int
	answer chan int
}

var answered int64

func main() {
	clients := flag.Int("clients", 4, "goroutines that ask")
	waiting := flag.Int("waiting", 0, "goroutines that wait for nothing")
	flag.Parse()
	never := make(chan struct{})
	for i := 0; i < *waiting; i++ {
		go wait(never)
	}
	requests := make(chan request)
	go serve(requests)
	for i := 0; i < *clients; i++ {
		go ask(requests)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(atomic.LoadInt64(&answered))
	}
}

func wait(never chan struct{}) { <-never }

func serve(requests chan request) {
	for r := range requests {
		go handle(r)
	}
}

func handle(r request) { r.answer <- 2 * r.number }

func ask(requests chan request) {
	answer := make(chan int, 1)
	for i := 0; ; i++ {
		requests <- request{i, answer}
		if got := <-answer; got != 2*i {
			fmt.Fprintln(os.Stderr, "brief: wrong answer", got)
			os.Exit(1)
		}
		atomic.AddInt64(&answered, 1)
	}
}
