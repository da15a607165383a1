// Bottleneck has handlers that write their lines through one logger, whose pipe is read slowly and,
// a second after the first line of its standard input, not at all. Beside them are goroutines that
// look like the logger and keep nobody waiting: an idle connection, a pool that waits for work, a
// reader of a pipe into which nothing is written. It ends when its standard input does.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	handlers = 12
	workers  = 3
)

//go:noinline
func logger(lines chan string, to *os.File) {
	for line := range lines {
		if _, err := to.WriteString(line); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

//go:noinline
func handle(lines chan<- string) {
	line := strings.Repeat("x", 4095) + "\n"
	for {
		lines <- line
	}
}

// slowly reads until a channel is closed, and then no more.
func slowly(from *os.File, until <-chan struct{}) {
	buffer := make([]byte, 4096)
	for {
		select {
		case <-until:
			select {}
		case <-time.After(2 * time.Millisecond):
		}
		if _, err := from.Read(buffer); err != nil {
			return
		}
	}
}

//go:noinline
func worker(work <-chan int) {
	for range work {
	}
}

//go:noinline
func feed(work chan<- int) {
	for i := range time.Tick(20 * time.Millisecond) {
		work <- i.Nanosecond()
	}
}

//go:noinline
func serve(c net.Conn) { readAll(c.Read) }

//go:noinline
func console(f *os.File) { readAll(f.Read) }

func readAll(read func([]byte) (int, error)) {
	buffer := make([]byte, 64)
	for {
		if _, err := read(buffer); err != nil {
			return
		}
	}
}

// connect makes a connection that nobody uses.
func connect() (server, client net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	server, err = l.Accept()
	return server, client, err
}

func run() error {
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	silent, kept, err := os.Pipe()
	if err != nil {
		return err
	}
	defer kept.Close()
	server, client, err := connect()
	if err != nil {
		return err
	}
	defer client.Close()
	stop, lines, work := make(chan struct{}), make(chan string), make(chan int)
	go serve(server)
	go console(silent)
	go slowly(from, stop)
	go logger(lines, to)
	for i := 0; i < handlers; i++ {
		go handle(lines)
	}
	for i := 0; i < workers; i++ {
		go worker(work)
	}
	go feed(work)
	fmt.Println("ready")
	input := bufio.NewScanner(os.Stdin)
	input.Scan()
	fmt.Println("reading for a second")
	time.Sleep(time.Second)
	close(stop)
	for input.Scan() {
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
