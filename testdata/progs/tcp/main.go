// Tcp echoes over loopback connections, with deadlines that pass and connections that close.
package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(echo(16, 60), deadline(20))
	})
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// echo has clients send messages to a server that sends them back.
func echo(clients, messages int) error {
	l, err := listen()
	if err != nil {
		return err
	}
	var servers sync.WaitGroup
	servers.Add(1)
	go func() {
		defer servers.Done()
		serve(l, &servers)
	}()
	var wg sync.WaitGroup
	var bytes int64
	errs := make(chan error, clients)
	for i := 0; i < clients; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n, err := talk(l.Addr().String(), messages)
			atomic.AddInt64(&bytes, n)
			if err != nil {
				errs <- err
			}
		}()
	}
	wg.Wait()
	l.Close()
	servers.Wait()
	close(errs)
	return bracket.First(<-errs, bracket.Check("bytes echoed", bytes, int64(clients*messages*64)))
}

func serve(l net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer c.Close()
			io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		}()
	}
}

func talk(addr string, messages int) (total int64, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	out, in := make([]byte, 64), make([]byte, 64)
	for i := 0; i < messages; i++ {
		out[0] = byte(i)
		if _, err := c.Write(out); err != nil {
			return total, err
		}
		n, err := io.ReadFull(c, in)
		if err != nil {
			return total, err
		}
		if in[0] != byte(i) {
			return total, errors.New("echo: wrong byte")
		}
		total += int64(n)
	}
	return total, nil
}

// deadline reads from a connection that stays silent.
func deadline(n int64) error {
	l, err := listen()
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	var late int64
	for i := int64(0); i < n; i++ {
		c.SetReadDeadline(time.Now().Add(300 * time.Microsecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			late++
		}
	}
	return bracket.Check("read deadlines", late, n)
}
