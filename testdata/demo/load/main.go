// Command load puts a steady request-and-reply load on a NATS server, speaking its
// text protocol. Each pair of connections is a requester and a responder: a round
// trip passes the server four times and wakes several of its goroutines.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	ports := flag.String("ports", "", "ports `file` that the server writes when it is ready")
	pairs := flag.Int("pairs", 8, "pairs of connections")
	rate := flag.Int("rate", 250, "round trips a second and pair")
	duration := flag.Duration("d", 10*time.Second, "how long")
	flag.Parse()
	if err := run(*ports, *pairs, *rate, *duration); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ports string, pairs, rate int, duration time.Duration) error {
	address, err := serverAddress(ports)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	var trips atomic.Int64
	errs := make([]error, pairs)
	var workers sync.WaitGroup
	for i := range pairs {
		workers.Go(func() {
			errs[i] = exchange(ctx, address, fmt.Sprintf("work.%d", i), time.Second/time.Duration(rate), &trips)
		})
	}
	workers.Wait()
	fmt.Printf("load: %d round trips in %v over %d pairs of connections\n", trips.Load(), duration, pairs)
	return errors.Join(errs...)
}

// serverAddress waits for the server's ports file, and reads its first address.
func serverAddress(path string) (string, error) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var ports struct {
			NATS []string `json:"nats"`
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(raw, &ports)
		}
		if err == nil && len(ports.NATS) > 0 {
			return strings.TrimPrefix(ports.NATS[0], "nats://"), nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the server did not start in 30 seconds: %w", err)
		}
	}
}

// exchange makes round trips at most one an interval until ctx ends.
func exchange(ctx context.Context, address, subject string, interval time.Duration, trips *atomic.Int64) error {
	responder, err := dial(address, subject, 1)
	if err != nil {
		return err
	}
	defer responder.Close()
	requester, err := dial(address, "reply."+subject, 1)
	if err != nil {
		return err
	}
	defer requester.Close()
	stop := context.AfterFunc(ctx, func() {
		responder.Close()
		requester.Close()
	})
	defer stop()
	answering := make(chan error, 1)
	go func() { answering <- responder.answer() }()
	err = requester.ask(subject, interval, trips)
	requester.Close()
	responder.Close()
	err = errors.Join(err, <-answering)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// client is a connection to the server with one subscription.
type client struct {
	net.Conn
	in      *bufio.Reader
	subject string
}

func dial(address, subject string, id int) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{Conn: conn, in: bufio.NewReader(conn), subject: subject}
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s %d\r\nPING\r\n", subject, id)
	for err == nil {
		var line string
		if line, err = c.line(); line == "PONG" {
			return c, nil
		}
	}
	conn.Close()
	return nil, err
}

// line reads a line of the protocol and answers the server's pings.
func (c *client) line() (string, error) {
	line, err := c.in.ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	switch {
	case err != nil:
		return "", err
	case line == "PING":
		_, err = c.Write([]byte("PONG\r\n"))
	case strings.HasPrefix(line, "-ERR"):
		err = errors.New("server: " + line)
	}
	return line, err
}

// message reads up to the next message and returns where its reply goes.
func (c *client) message() (reply string, err error) {
	for {
		line, err := c.line()
		if err != nil {
			return "", err
		}
		fields := strings.Fields(line) // MSG subject sid [reply] bytes
		if len(fields) < 4 || fields[0] != "MSG" {
			continue
		}
		if _, err := c.line(); err != nil { // the payload has no line break
			return "", err
		}
		if len(fields) == 5 {
			reply = fields[3]
		}
		return reply, nil
	}
}

func (c *client) answer() error {
	for {
		reply, err := c.message()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c, "PUB %s 4\r\ndone\r\n", reply); err != nil {
			return err
		}
	}
}

func (c *client) ask(subject string, interval time.Duration, trips *atomic.Int64) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for range tick.C {
		if _, err := fmt.Fprintf(c, "PUB %s %s 7\r\nplease!\r\n", subject, c.subject); err != nil {
			return err
		}
		if _, err := c.message(); err != nil {
			return err
		}
		trips.Add(1)
	}
	return nil
}
