package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// serve starts a server on a port of its own.
func serve(handle http.HandlerFunc) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { fail(http.Serve(l, handle)) }()
	return "http://" + l.Addr().String(), nil
}

// get reads and closes the whole answer.
func get(c *http.Client, url string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// keepAlive has 50 connections that stay open; one of them has traffic.
func keepAlive() error {
	const connections = 50
	var together sync.WaitGroup // makes the first requests come at once, so that each needs a connection
	together.Add(connections)
	first := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			together.Done()
			together.Wait()
		}
		fmt.Fprint(w, "hello")
	}
	url, err := serve(first)
	if err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	errs := make(chan error)
	for i := 0; i < connections; i++ {
		go func() { errs <- get(c, url+"/first") }()
	}
	for i := 0; i < connections; i++ {
		if err := <-errs; err != nil {
			return err
		}
	}
	return again(10*time.Millisecond, func() error { return get(c, url) })
}

// longPoll has 20 clients that wait for an event; each event is for one of them.
func longPoll() error {
	events := make(chan int)
	url, err := serve(func(w http.ResponseWriter, r *http.Request) {
		timeout := time.NewTimer(time.Minute)
		defer timeout.Stop()
		select {
		case n := <-events:
			fmt.Fprint(w, n)
		case <-timeout.C:
		case <-r.Context().Done():
		}
	})
	if err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	for i := 0; i < 20; i++ {
		go poll(c, url)
	}
	return again(200*time.Millisecond, func() error {
		events <- 1
		return nil
	})
}

func poll(c *http.Client, url string) {
	for {
		if err := get(c, url); err != nil {
			fail(err)
		}
	}
}

// conn is a connection of the pool, whose answers a goroutine reads.
type conn struct {
	net.Conn
	answers chan string
}

func (c *conn) readLoop() {
	for in := bufio.NewScanner(c); in.Scan(); {
		c.answers <- in.Text()
	}
	close(c.answers)
}

// echo answers each line with the line.
func echo(c net.Conn) {
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		fmt.Fprintln(c, in.Text())
	}
}

func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			fail(err)
		}
		go echo(c)
	}
}

// connPool opens ten connections, of which it needs one at a time: the one that was used last. An
// opener waits for who wants more.
func connPool() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go accept(l)
	wanted, opened := make(chan struct{}), make(chan *conn)
	go open(l.Addr().String(), wanted, opened)
	var free []*conn
	for i := 0; i < 10; i++ {
		wanted <- struct{}{}
		free = append(free, <-opened)
	}
	last := free[len(free)-1]
	return again(10*time.Millisecond, func() error {
		fmt.Fprintln(last, "hello")
		if answer := <-last.answers; answer != "hello" {
			return fmt.Errorf("the answer is %q", answer)
		}
		return nil
	})
}

func open(addr string, wanted chan struct{}, opened chan *conn) {
	for range wanted {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			fail(err)
		}
		fresh := &conn{c, make(chan string)}
		go fresh.readLoop()
		opened <- fresh
	}
}

// member is a client of the chat, with what is to be sent to it.
type member struct {
	net.Conn
	messages chan string
}

func (m *member) write() {
	for s := range m.messages {
		fmt.Fprintln(m, s)
	}
}

// read ends the writer when the client goes.
func (m *member) read() {
	defer close(m.messages)
	for in := bufio.NewScanner(m); in.Scan(); {
		m.messages <- in.Text()
	}
}

func welcome(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			fail(err)
		}
		m := &member{c, make(chan string)}
		go m.write()
		go m.read()
	}
}

// chat has clients that come one after the other, say nothing and stay.
func chat() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go welcome(l)
	var clients []net.Conn
	return again(50*time.Millisecond, func() error {
		c, err := net.Dial("tcp", l.Addr().String())
		clients = append(clients, c)
		return err
	})
}
