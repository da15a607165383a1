package main

import (
	"io"
	"net"
	"time"
)

// surroundings are the goroutines of a service that are the same in every build: idle workers, a
// ticker, a client that asks over TCP.
func surroundings() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	jobs := make(chan int)
	for i := 0; i < 4; i++ {
		go idleWorker(jobs)
	}
	go tick()
	go accept(l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	go ask(conn)
	return nil
}

func idleWorker(jobs chan int) {
	for range jobs {
	}
}

func tick() {
	for range time.Tick(20 * time.Millisecond) {
	}
}

func accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			fail(err)
		}
		go echo(conn)
	}
}

func echo(conn net.Conn) {
	if _, err := io.Copy(conn, conn); err != nil {
		fail(err)
	}
}

// ask checks what comes back.
func ask(conn net.Conn) {
	question, answer := make([]byte, 64), make([]byte, 64)
	for range time.Tick(cycle) {
		question[0]++
		if _, err := conn.Write(question); err != nil {
			fail(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			fail(err)
		}
		if answer[0] != question[0] {
			fail(io.ErrUnexpectedEOF)
		}
	}
}
