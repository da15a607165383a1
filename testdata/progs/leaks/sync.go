package main

import (
	"errors"
	"net/http"
	"sync"
)

// part is done, unless it has nothing to do.
func part(n int, wg *sync.WaitGroup) {
	if n == 0 {
		return
	}
	wg.Done()
}

// gather waits for all parts of a request.
//
//go:noinline
func gather(parts ...int) {
	var wg sync.WaitGroup
	wg.Add(len(parts))
	for _, n := range parts {
		go part(n, &wg)
	}
	wg.Wait()
}

// missingDone has two requests that are fine for one that is not.
func missingDone() error {
	return steadily(func() (int64, error) {
		go gather(1, 2, 3)
		go gather(4, 5)
		go gather(1, 0, 2)
		return 1, nil
	})
}

var errClosed = errors.New("closed")

// account can be closed.
type account struct {
	mu      sync.Mutex
	balance int
	closed  bool
}

// pay forgets that it has the lock when the account is closed.
//
//go:noinline
func (a *account) pay(n int) error {
	a.mu.Lock()
	if a.closed {
		return errClosed
	}
	a.balance -= n
	a.mu.Unlock()
	return nil
}

func mutexNotUnlocked() error {
	a := &account{closed: true}
	if err := a.pay(1); !errors.Is(err, errClosed) {
		return err
	}
	return steadily(func() (int64, error) {
		go a.pay(1)
		return 1, nil
	})
}

// gate lets goroutines through once it is open.
type gate struct {
	mu   sync.Mutex
	cond *sync.Cond
	open bool
}

//go:noinline
func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open {
		g.cond.Wait()
	}
}

// waiting is a lock that says when it is given back for the first time: Wait does so when it
// already counts as waiting.
type waiting struct {
	sync.Locker
	once sync.Once
	is   chan struct{}
}

func (w *waiting) Unlock() {
	w.once.Do(func() { close(w.is) })
	w.Locker.Unlock()
}

// condNoSignal opens the gate and tells nobody.
func condNoSignal() error {
	return steadily(func() (int64, error) {
		g := new(gate)
		w := &waiting{Locker: &g.mu, is: make(chan struct{})}
		g.cond = sync.NewCond(w)
		go g.pass()
		<-w.is
		g.mu.Lock()
		g.open = true
		g.mu.Unlock()
		return 1, nil
	})
}

// group runs functions and keeps their first error.
type group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

func (g *group) start(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.once.Do(func() { g.err = err })
		}
	}()
}

var errBadRow = errors.New("bad row")

// readRows does not hear that nobody wants more.
//
//go:noinline
func readRows(rows chan int) error {
	defer close(rows)
	for n := 0; n < 10; n++ {
		rows <- n
	}
	return nil
}

func insertRows(rows chan int) error {
	for n := range rows {
		if n == 3 {
			return errBadRow
		}
	}
	return nil
}

// copyRows waits for both, of which one has failed.
//
//go:noinline
func copyRows() error {
	var g group
	rows := make(chan int)
	g.start(func() error { return readRows(rows) })
	g.start(func() error { return insertRows(rows) })
	g.wg.Wait()
	return g.err
}

// firstError leaves the reader of the rows and who waits for it.
func firstError() error {
	return steadily(func() (int64, error) {
		go copyRows()
		return 2, nil
	})
}

// bodyNotClosed looks only at the status of what it gets: of each connection, the client keeps both
// goroutines.
func bodyNotClosed() error {
	url, err := serve(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "busy",
			http.StatusServiceUnavailable)
	})
	if err != nil {
		return err
	}
	return steadily(func() (int64, error) {
		resp, err := http.Get(url)
		if err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			return 0, errors.New(resp.Status)
		}
		return 2, nil
	})
}
