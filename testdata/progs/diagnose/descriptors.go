package main

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

var descriptorCases = map[string]func() error{
	"audit-pipe":         auditPipe,
	"log-pipe":           logPipe,
	"pipe-writer":        pipeWriter,
	"socket-slow-reader": socketSlowReader,
}

// slowPipe is a pipe whose other end a child writes to now and then. Its descriptor blocks the
// thread.
func slowPipe() (fd int, stop func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	stopChild, _, err := start("child-writer", w)
	if err != nil {
		return 0, nil, err
	}
	w.Close()
	return int(r.Fd()), func() { stopChild(); r.Close() }, nil
}

// logger writes lines to a descriptor that blocks the thread.
type logger struct {
	mu sync.Mutex
	fd int
}

//go:noinline
func (l *logger) print(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := syscall.Write(l.fd, line)
	return err
}

// logTo has a crowd log to a child.
func logTo(child string, writers int, pause time.Duration) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	stop, err := startReader(child, r)
	if err != nil {
		return err
	}
	l := &logger{fd: int(w.Fd())}
	line := make([]byte, 4096)
	err = crowd(writers, func() error {
		err := l.print(line)
		time.Sleep(pause)
		return err
	})
	w.Close()
	stop()
	return err
}

func logPipe() error { return logTo("child-reader", 5, 0) }

// auditor writes what the others hand it.
//
//go:noinline
func auditor(records chan []byte, to *os.File, stopped chan struct{}) {
	defer close(stopped)
	for record := range records {
		if _, err := to.Write(record); err != nil {
			return
		}
	}
}

// auditTo has a crowd hand records to one goroutine, which writes them to a child.
func auditTo(child string, senders int, pause time.Duration) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	stop, err := startReader(child, r)
	if err != nil {
		return err
	}
	records, stopped := make(chan []byte), make(chan struct{})
	go auditor(records, w, stopped)
	record := make([]byte, 4096)
	err = crowd(senders, always(func() {
		records <- record
		time.Sleep(pause)
	}))
	close(records)
	<-stopped
	w.Close()
	stop()
	return err
}

// auditPipe has the one who writes stuck, in a write that looks like any wait for the network.
func auditPipe() error { return auditTo("child-reader", 6, 0) }

// collect reads so much at a time, and takes d for it.
//
//go:noinline
func collect(from interface{ Read([]byte) (int, error) }, size int, d time.Duration) {
	for buf := make([]byte, size); ; {
		if _, err := from.Read(buf); err != nil {
			return
		}
		time.Sleep(d)
	}
}

// export writes a page.
//
//go:noinline
func export(to interface{ Write([]byte) (int, error) }, page []byte) error {
	_, err := to.Write(page)
	return err
}

// pipeWriter has goroutines write to a pipe that another goroutine reads slowly.
func pipeWriter() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	go collect(r, 4096, 3*time.Millisecond)
	page := make([]byte, 4096)
	err = crowd(4, func() error { return export(w, page) })
	w.Close()
	return err
}

// loopback is both ends of a connection.
func loopback() (a, b net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	b, err = l.Accept()
	return a, b, err
}

// socketSlowReader has goroutines write to connections whose other ends are read slowly.
func socketSlowReader() error {
	var conns [3]net.Conn
	for i := range conns {
		near, far, err := loopback()
		if err != nil {
			return err
		}
		conns[i] = near
		go collect(far, 32<<10, 5*time.Millisecond)
	}
	var turn turns
	page := make([]byte, 256<<10)
	err := crowd(len(conns), func() error { return export(conns[turn.next()%len(conns)], page) })
	for _, c := range conns {
		c.Close()
	}
	return err
}
