// Diagnose does what services do, with one known cause for most of the waiting, or with the same
// constructs and nothing wrong. -case names it, or $CASE. Each case has healthy goroutines around
// it: an accept loop without clients, workers without jobs, a ticker, a main that waits for
// everybody.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"gosched.test/progs/internal/bracket"
)

// length is how long a case lasts.
const length = 1500 * time.Millisecond

// tables are the cases, by what they are about; the last are those with nothing wrong.
var tables = []map[string]func() error{
	lockCases, semaphoreCases, poolCases, queueCases, descriptorCases, memoryCases, cpuCases, wakeCases,
	wellLocks, wellQueues, wellOutside, wellMachine,
}

// children are what the cases start processes for.
var children = map[string]func(){
	"child-busy":    compute,
	"child-echo":    echoAfterAWhile,
	"child-http":    answerHTTP,
	"child-load":    loadSlowly,
	"child-reader":  readSlowly,
	"child-sink":    readAll,
	"child-writer":  writeSlowly,
	"child-convert": func() { time.Sleep(15 * time.Millisecond) },
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "-case" && children[os.Args[2]] != nil {
		children[os.Args[2]]()
		return
	}
	cases := all()
	name := flag.String("case", os.Getenv("CASE"), "what to do: "+strings.Join(names(cases), ", "))
	bracket.Main(func() error {
		work := cases[*name]
		if work == nil {
			return fmt.Errorf("there is no case %q", *name)
		}
		runtime.GOMAXPROCS(2)
		stop, err := surroundings()
		if err != nil {
			return err
		}
		defer stop()
		return work()
	})
}

func all() map[string]func() error {
	cases := map[string]func() error{}
	for _, table := range tables {
		for name, work := range table {
			if cases[name] != nil {
				panic(name + " is there twice")
			}
			cases[name] = work
		}
	}
	return cases
}

func names(cases map[string]func() error) []string {
	var list []string
	for name := range cases {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// surroundings are goroutines that wait because there is nothing to do.
func surroundings() (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	jobs := make(chan int)
	for i := 0; i < 4; i++ {
		go sweep(jobs)
	}
	go acceptLoop(l)
	go tick(done)
	return func() {
		close(done)
		close(jobs)
		l.Close()
	}, nil
}

func acceptLoop(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

func sweep(jobs chan int) {
	for range jobs {
	}
}

func tick(done chan struct{}) {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-done:
			return
		}
	}
}

// crowd runs n goroutines that do something again and again until the time is up, and fails if
// nothing was done.
func crowd(n int, do func() error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done int64
	var failed error
	end := time.Now().Add(length)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mine, err := int64(0), error(nil)
			for time.Now().Before(end) && err == nil {
				err = do()
				mine++
			}
			mu.Lock()
			defer mu.Unlock()
			done += mine
			if failed == nil {
				failed = err
			}
		}()
	}
	wg.Wait()
	if failed == nil && done < int64(n) {
		failed = fmt.Errorf("%d rounds of %d goroutines", done, n)
	}
	return failed
}

// serve hands n goroutines requests, one after the other, until the time is up: there is always one
// more.
func serve(n int, handle func() error) error {
	requests := make(chan int)
	errs := make(chan error, n)
	for i := 0; i < n; i++ {
		go serveOne(requests, handle, errs)
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		requests <- 1
	}
	close(requests)
	var failed error
	for i := 0; i < n; i++ {
		if err := <-errs; failed == nil {
			failed = err
		}
	}
	return failed
}

func serveOne(requests chan int, handle func() error, errs chan error) {
	var failed error
	for range requests {
		if err := handle(); failed == nil {
			failed = err
		}
	}
	errs <- failed
}

// always is what a crowd does again and again that cannot fail.
func always(do func()) func() error {
	return func() error {
		do()
		return nil
	}
}

// turns gives the callers their numbers, from 1 on.
type turns struct {
	mu sync.Mutex
	n  int
}

func (t *turns) next() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	return t.n
}

// busy computes until so much time has passed.
func busy(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
	}
}

// executable is this program under another name, in a folder of its own.
func executable(name string) (path string, remove func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, name)
	return path, func() { os.RemoveAll(dir) }, os.Symlink(self, path)
}
