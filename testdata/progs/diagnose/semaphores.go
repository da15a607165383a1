package main

import (
	"sync"
	"syscall"
	"time"
)

var semaphoreCases = map[string]func() error{
	"channel-lock":      channelLock,
	"channel-semaphore": channelSemaphore,
	"group-limit":       groupLimit,
	"semaphore":         semaphore,
	"singleflight":      singleflight,
}

// printer has one place in a channel for who prints.
type printer struct{ turn chan struct{} }

//go:noinline
func (p *printer) print(d time.Duration) {
	p.turn <- struct{}{}
	busy(d)
	<-p.turn
}

func channelLock() error {
	p := printer{make(chan struct{}, 1)}
	return crowd(6, always(func() { p.print(2 * time.Millisecond) }))
}

// gateway lets so many calls through at a time.
type gateway struct{ slots chan struct{} }

//go:noinline
func (g *gateway) call(d time.Duration) {
	g.slots <- struct{}{}
	defer func() { <-g.slots }()
	askBackend(d)
}

// askBackend takes as long as the backend does.
//
//go:noinline
func askBackend(d time.Duration) { time.Sleep(d) }

func channelSemaphore() error {
	g := gateway{make(chan struct{}, 3)}
	return crowd(12, always(func() { g.call(8 * time.Millisecond) }))
}

// group runs functions in goroutines of their own, so many at a time, like an errgroup with a limit.
type group struct {
	wg    sync.WaitGroup
	limit chan struct{}
}

// start waits until there is a place.
//
//go:noinline
func (g *group) start(do func()) {
	g.limit <- struct{}{}
	g.wg.Add(1)
	go func() {
		defer func() {
			<-g.limit
			g.wg.Done()
		}()
		do()
	}()
}

// fetchPart takes as long as its source does.
//
//go:noinline
func fetchPart() { time.Sleep(6 * time.Millisecond) }

func groupLimit() error {
	g := group{limit: make(chan struct{}, 2)}
	defer g.wg.Wait()
	return crowd(5, always(func() { g.start(fetchPart) }))
}

// semaphore lets two at a time read the pipe.
func semaphore() error {
	fd, stop, err := slowPipe()
	if err != nil {
		return err
	}
	defer stop()
	places := make(chan struct{}, 2)
	return crowd(8, func() error {
		places <- struct{}{}
		defer func() { <-places }()
		return fetch(fd)
	})
}

// flight is a call that all who ask meanwhile wait for.
type flight struct {
	mu      sync.Mutex
	current *call
}

type call struct {
	done chan struct{}
	err  error
}

//go:noinline
func (f *flight) load(do func() error) error {
	f.mu.Lock()
	if c := f.current; c != nil {
		f.mu.Unlock()
		<-c.done
		return c.err
	}
	c := &call{done: make(chan struct{})}
	f.current = c
	f.mu.Unlock()
	c.err = do()
	f.mu.Lock()
	f.current = nil
	f.mu.Unlock()
	close(c.done)
	return c.err
}

func singleflight() error {
	fd, stop, err := slowPipe()
	if err != nil {
		return err
	}
	defer stop()
	f := new(flight)
	return crowd(8, func() error { return f.load(func() error { return fetch(fd) }) })
}

// fetch reads a line that comes when it comes. The descriptor blocks the thread.
//
//go:noinline
func fetch(fd int) error {
	var buf [5]byte
	_, err := syscall.Read(fd, buf[:])
	return err
}
