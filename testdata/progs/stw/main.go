// Stw stops the world in every way a program can ask for, while workers work.
package main

import (
	"io"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		stop, done := workers(4)
		err := bracket.First(memStats(30), percents(10), procs(8), profiles(4))
		stop()
		return bracket.First(err, done())
	})
}

// workers starts goroutines that compute, talk and sleep until they are stopped.
func workers(n int) (stop func(), done func() error) {
	var stopped int32
	var wg sync.WaitGroup
	var sent, received int64
	c := make(chan int64)
	for i := 0; i < n; i++ {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for atomic.LoadInt32(&stopped) == 0 {
				atomic.AddInt64(&sent, 1)
				c <- 1
				time.Sleep(100 * time.Microsecond)
			}
			c <- 0
		}()
		go func() {
			defer wg.Done()
			for v := <-c; v != 0; v = <-c {
				atomic.AddInt64(&received, v)
			}
		}()
	}
	return func() { atomic.StoreInt32(&stopped, 1) }, func() error {
		wg.Wait()
		return bracket.Check("messages", received, sent)
	}
}

func memStats(n int) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < n; i++ {
		runtime.ReadMemStats(&after)
		runtime.Gosched()
	}
	if after.Mallocs < before.Mallocs {
		return bracket.Check("mallocs counted backwards", int64(after.Mallocs), int64(before.Mallocs))
	}
	return nil
}

func percents(n int) error {
	for i := 0; i < n; i++ {
		old := debug.SetGCPercent(50 + i)
		if got := debug.SetGCPercent(old); got != 50+i {
			return bracket.Check("GC percent", int64(got), int64(50+i))
		}
	}
	return nil
}

// procs changes GOMAXPROCS up and down.
func procs(n int) error {
	was := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(was)
	for i := 0; i < n; i++ {
		want := 1 + (i*3)%5
		runtime.GOMAXPROCS(want)
		if err := bracket.Check("GOMAXPROCS", int64(runtime.GOMAXPROCS(0)), int64(want)); err != nil {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil
}

// profiles dumps all goroutines, and collects.
func profiles(n int) error {
	buf := make([]byte, 1<<20)
	for i := 0; i < n; i++ {
		if err := pprof.Lookup("goroutine").WriteTo(io.Discard, 0); err != nil {
			return err
		}
		if runtime.Stack(buf, true) == 0 {
			return bracket.Check("stack bytes", 0, 1)
		}
		runtime.GC()
	}
	return nil
}
