package main

import (
	"os"
	"os/exec"
	"sync"
	"time"
)

type journal struct {
	mu   sync.Mutex
	file *os.File
}

// append holds the lock until the disk has the data.
//
//go:noinline
func (j *journal) append(line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(line); err != nil {
		return err
	}
	return j.file.Sync()
}

func fsyncUnderLock() error {
	f, err := os.CreateTemp(".", "journal")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	j := &journal{file: f}
	line := make([]byte, 4096)
	return crowd(6, func() error { return j.append(line) })
}

// sleepyHolder sleeps with the lock in its hand.
//
//go:noinline
func sleepyHolder(mu *sync.Mutex) {
	mu.Lock()
	time.Sleep(5 * time.Millisecond)
	mu.Unlock()
}

func sleepUnderLock() error {
	var mu sync.Mutex
	return crowd(5, func() error {
		sleepyHolder(&mu)
		return nil
	})
}

type nest struct{ a, b, c sync.Mutex }

//go:noinline
func (n *nest) outer() {
	n.a.Lock()
	n.middle()
	n.a.Unlock()
}

//go:noinline
func (n *nest) middle() {
	n.b.Lock()
	n.inner()
	n.b.Unlock()
}

//go:noinline
func (n *nest) inner() {
	n.c.Lock()
	for t := time.Now(); time.Since(t) < 3*time.Millisecond; {
	}
	n.c.Unlock()
}

func nestedLocks() error {
	var n nest
	var mu sync.Mutex
	turn := 0
	return crowd(6, func() error {
		mu.Lock()
		turn++
		way := turn % 3
		mu.Unlock()
		switch way {
		case 0:
			n.outer()
		case 1:
			n.middle()
		default:
			n.inner()
		}
		return nil
	})
}

type table struct {
	mu   sync.RWMutex
	rows int
}

// scan reads for long with the lock held: a writer has to wait for it, and all other readers for
// the writer.
//
//go:noinline
func (t *table) scan() {
	t.mu.RLock()
	for begin := time.Now(); time.Since(begin) < 10*time.Millisecond; {
	}
	t.mu.RUnlock()
}

func (t *table) read() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows
}

func (t *table) write() {
	t.mu.Lock()
	t.rows++
	t.mu.Unlock()
}

func slowReader() error {
	t := new(table)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				t.scan()
			}
		}
	}()
	var mu sync.Mutex
	turn := 0
	err := crowd(6, func() error {
		mu.Lock()
		turn++
		write := turn%4 == 0
		mu.Unlock()
		if write {
			t.write()
		} else {
			t.read()
		}
		time.Sleep(200 * time.Microsecond)
		return nil
	})
	close(stop)
	<-stopped
	return err
}

// runTool waits for a child process with the lock held.
//
//go:noinline
func runTool(mu *sync.Mutex, path string) error {
	mu.Lock()
	defer mu.Unlock()
	return exec.Command(path, "-case", "child-tool").Run()
}

func execUnderLock() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return crowd(4, func() error { return runTool(&mu, path) })
}

// condQueue is a queue whose consumers wait on a condition.
type condQueue struct {
	mu    sync.Mutex
	some  *sync.Cond
	items []int
	done  bool
}

// produce takes long to make an item.
//
//go:noinline
func (q *condQueue) produce() {
	for t := time.Now(); time.Since(t) < 2*time.Millisecond; {
	}
	q.mu.Lock()
	q.items = append(q.items, 1)
	q.mu.Unlock()
	q.some.Signal()
}

func (q *condQueue) take() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.done {
		q.some.Wait()
	}
	if len(q.items) > 0 {
		q.items = q.items[1:]
		return true
	}
	return false
}

func condProducer() error {
	q := new(condQueue)
	q.some = sync.NewCond(&q.mu)
	var wg sync.WaitGroup
	for i := 0; i < 6; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for q.take() {
			}
		}()
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		q.produce()
	}
	q.mu.Lock()
	q.done = true
	q.mu.Unlock()
	q.some.Broadcast()
	wg.Wait()
	return nil
}
