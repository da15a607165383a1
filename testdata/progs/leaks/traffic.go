package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// task is a number and the place for its square.
type task struct {
	n      int
	square chan int
}

// worker ends when its tasks do.
func worker(tasks chan task) {
	for t := range tasks {
		t.square <- t.n * t.n
	}
}

// traffic starts a server whose handlers give their work to a pool, and clients that go on asking
// it.
func traffic() error {
	tasks := make(chan task)
	for i := 0; i < 4; i++ {
		go worker(tasks)
	}
	url, err := serve(func(w http.ResponseWriter, r *http.Request) {
		t := task{7, make(chan int, 1)}
		go hand(tasks, t)
		fmt.Fprint(w, <-t.square)
	})
	if err != nil {
		return err
	}
	for i := 0; i < 2; i++ {
		go ask(url)
	}
	return nil
}

// hand is a goroutine as short as most are.
func hand(tasks chan task, t task) { tasks <- t }

// serve starts a server on a port of its own.
func serve(handle http.HandlerFunc) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { fail(http.Serve(l, handle)) }()
	return "http://" + l.Addr().String(), nil
}

// ask asks a server for ever and closes what it gets.
func ask(url string) {
	for range time.Tick(5 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			fail(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "49" {
			fail(fmt.Errorf("the answer is %q, %v", body, err))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "traffic:", err)
	os.Exit(1)
}
