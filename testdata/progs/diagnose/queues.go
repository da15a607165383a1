package main

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"time"
)

var queueCases = map[string]func() error{
	"dispatcher":     dispatcher,
	"fan-in":         fanIn,
	"feed":           slowFeed,
	"limiter":        limiter,
	"partition-skew": partitionSkew,
	"pipeline":       pipeline,
	"remote-slow":    remoteSlow,
	"slow-consumer":  slowConsumer,
	"straggler":      straggler,
	"three-hops":     threeHops,
}

// index takes values one by one, and d for each.
//
//go:noinline
func index(in chan int, d time.Duration, stopped chan struct{}) {
	for range in {
		busy(d)
	}
	close(stopped)
}

// indexed has a crowd send to one that takes a while for each value.
func indexed(senders int, d time.Duration, send func(in chan int)) error {
	in, stopped := make(chan int), make(chan struct{})
	go index(in, d, stopped)
	err := crowd(senders, always(func() { send(in) }))
	close(in)
	<-stopped
	return err
}

func sendOne(in chan int) { in <- 1 }

func slowConsumer() error { return indexed(4, 2*time.Millisecond, sendOne) }

func fanIn() error { return indexed(6, 300*time.Microsecond, sendOne) }

// partitionSkew has four consumers with a queue each, and nearly all values in one of them.
func partitionSkew() error {
	var queues [4]chan int
	var wg sync.WaitGroup
	for i := range queues {
		queue := make(chan int, 4)
		queues[i] = queue
		wg.Add(1)
		go func() {
			defer wg.Done()
			aggregate(queue)
		}()
	}
	var turn turns
	err := crowd(6, always(func() {
		n := turn.next()
		if n%20 != 0 {
			n = 2
		}
		queues[n%len(queues)] <- n
	}))
	for _, queue := range queues {
		close(queue)
	}
	wg.Wait()
	return err
}

//go:noinline
func aggregate(in chan int) {
	for range in {
		busy(500 * time.Microsecond)
	}
}

//go:noinline
func parse(in, out chan int) {
	for v := range in {
		out <- v
	}
	close(out)
}

//go:noinline
func enrich(in, out chan int) {
	for v := range in {
		busy(100 * time.Microsecond)
		out <- v
	}
	close(out)
}

//go:noinline
func compress(in, out chan int) {
	for v := range in {
		busy(2 * time.Millisecond)
		out <- v
	}
	close(out)
}

func deliver(in chan int, stopped chan struct{}) {
	for range in {
	}
	close(stopped)
}

func pipeline() error {
	a, b, c, d := make(chan int, 4), make(chan int, 4), make(chan int, 4), make(chan int, 4)
	stopped := make(chan struct{})
	go parse(a, b)
	go enrich(b, c)
	go compress(c, d)
	go deliver(d, stopped)
	err := crowd(2, always(func() { a <- 1 }))
	close(a)
	<-stopped
	return err
}

// route does the work itself that it should hand on.
//
//go:noinline
func route(in, urgent chan job, done chan struct{}) {
	for {
		select {
		case j := <-in:
			busy(2 * time.Millisecond)
			j.answer <- 1
		case j := <-urgent:
			j.answer <- 2
		case <-done:
			return
		}
	}
}

func dispatcher() error {
	in, urgent, done := make(chan job), make(chan job), make(chan struct{})
	go route(in, urgent, done)
	defer close(done)
	var turn turns
	return crowd(6, always(func() {
		to := in
		if turn.next()%3 == 0 {
			to = urgent
		}
		j := job{make(chan int)}
		to <- j
		<-j.answer
	}))
}

// refill lets one pass every 4 ms.
//
//go:noinline
func refill(tokens chan struct{}, done chan struct{}) {
	for {
		time.Sleep(4 * time.Millisecond)
		select {
		case tokens <- struct{}{}:
		case <-done:
			return
		}
	}
}

// admit waits until the rate allows one more.
//
//go:noinline
func admit(tokens chan struct{}) { <-tokens }

func limiter() error {
	tokens, done := make(chan struct{}), make(chan struct{})
	go refill(tokens, done)
	defer close(done)
	return serve(4, always(func() { admit(tokens) }))
}

func forward(in chan job, next chan job) {
	for j := range in {
		mine := job{make(chan int)}
		next <- mine
		j.answer <- <-mine.answer
	}
	close(next)
}

// store is the only one that does anything.
//
//go:noinline
func store(in chan job) {
	for j := range in {
		busy(2 * time.Millisecond)
		j.answer <- 1
	}
}

func threeHops() error {
	a, b, c := make(chan job), make(chan job), make(chan job)
	go forward(a, b)
	go forward(b, c)
	go store(c)
	err := crowd(4, always(func() {
		j := job{make(chan int)}
		a <- j
		<-j.answer
	}))
	close(a)
	return err
}

// thumbnail is what most of the work is like.
//
//go:noinline
func thumbnail() { busy(100 * time.Microsecond) }

// poster is the one part that the others are waited for with.
//
//go:noinline
func poster(wg *sync.WaitGroup) {
	busy(8 * time.Millisecond)
	wg.Done()
}

func straggler() error {
	return crowd(1, always(func() {
		var wg sync.WaitGroup
		wg.Add(5)
		go poster(&wg)
		for i := 0; i < 4; i++ {
			go func() {
				defer wg.Done()
				thumbnail()
			}()
		}
		wg.Wait()
	}))
}

// remote is a connection whose answers a goroutine of its own reads.
type remote struct {
	mu      sync.Mutex
	conn    net.Conn
	answers chan string
}

//go:noinline
func (r *remote) readLoop() {
	for in := bufio.NewScanner(r.conn); in.Scan(); {
		r.answers <- in.Text()
	}
	close(r.answers)
}

//go:noinline
func (r *remote) ask() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := fmt.Fprintln(r.conn, "hello"); err != nil {
		return err
	}
	if answer := <-r.answers; answer != "hello" {
		return fmt.Errorf("the answer is %q", answer)
	}
	return nil
}

// dialEcho are connections to a server in another process that takes 20 ms for each line.
func dialEcho(n int) (remotes []*remote, stop func(), err error) {
	stopChild, out, err := start("child-echo", nil)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		for _, r := range remotes {
			r.conn.Close()
		}
		stopChild()
	}
	var addr string
	if _, err = fmt.Fscanln(out, &addr); err != nil {
		return nil, stop, err
	}
	for i := 0; i < n; i++ {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, stop, err
		}
		remotes = append(remotes, &remote{conn: conn, answers: make(chan string)})
	}
	return remotes, stop, nil
}

func remoteSlow() error {
	remotes, stop, err := dialEcho(2)
	if err != nil {
		return err
	}
	defer stop()
	for _, r := range remotes {
		go r.readLoop()
	}
	var turn turns
	return crowd(6, func() error { return remotes[turn.next()%len(remotes)].ask() })
}

// pump hands on what it reads from the network, which is slow: it asks for each line.
//
//go:noinline
func (r *remote) pump(done chan struct{}) {
	defer close(r.answers)
	for in := bufio.NewScanner(r.conn); ; {
		if _, err := fmt.Fprintln(r.conn, "more"); err != nil || !in.Scan() {
			return
		}
		select {
		case r.answers <- in.Text():
		case <-done:
			return
		}
	}
}

//go:noinline
func (r *remote) line() error {
	if line := <-r.answers; line != "more" {
		return fmt.Errorf("the line is %q", line)
	}
	return nil
}

// slowFeed has goroutines wait for what one reads from the network.
func slowFeed() error {
	remotes, stop, err := dialEcho(1)
	if err != nil {
		return err
	}
	defer stop()
	done := make(chan struct{})
	defer close(done)
	go remotes[0].pump(done)
	return serve(5, remotes[0].line)
}
