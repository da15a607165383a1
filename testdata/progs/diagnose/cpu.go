package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

var cpuCases = map[string]func() error{
	"background-work": backgroundWork,
	"busy-loop":       busyLoop,
	"cpu-contention":  cpuContention,
	"hog":             longRuns,
	"long-run":        countAlone,
	"quota":           inBursts,
	"syscall-handoff": handoff,
	"unpreempted":     unpreempted,
}

// score wants the P until the end.
//
//go:noinline
func score(end time.Time) (n int) {
	for time.Now().Before(end) {
		n++
	}
	return n
}

// busyLoop has four goroutines compute while two hand each other a number now and then.
func busyLoop() error {
	end := time.Now().Add(length)
	for i := 0; i < 4; i++ {
		go score(end)
	}
	return echo(end)
}

// longRuns has four goroutines compute while others serve requests.
func longRuns() error {
	end := time.Now().Add(length)
	for i := 0; i < 4; i++ {
		go score(end)
	}
	return crowd(3, always(handle))
}

// compaction is work that nobody waits for, in pieces.
//
//go:noinline
func compaction(end time.Time) {
	for time.Now().Before(end) {
		merge()
		time.Sleep(100 * time.Microsecond)
	}
}

//go:noinline
func merge() { busy(15 * time.Millisecond) }

// backgroundWork has as many goroutines compute as there are Ps, while requests come in.
func backgroundWork() error {
	end := time.Now().Add(length)
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		go compaction(end)
	}
	return crowd(4, always(func() {
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			thumbnail()
		}()
		wg.Wait()
		time.Sleep(2 * time.Millisecond)
	}))
}

var sum int

// checksum has the P until it returns, where asynchronous preemption is off: it calls nothing.
//
//go:noinline
func checksum() {
	n := 0
	for i := 0; i < 50_000_000; i++ {
		n += i * i
	}
	sum = n
}

// unpreempted keeps goroutines at it that nothing preempts and that end. It needs
// GODEBUG=asyncpreemptoff=1.
func unpreempted() error {
	end := time.Now().Add(length)
	others := runtime.NumGoroutine()
	go func() {
		for time.Now().Before(end) {
			if runtime.NumGoroutine() < others+6 {
				go checksum()
				go checksum()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return echo(end)
}

// echo has two goroutines hand each other a number every millisecond.
func echo(end time.Time) error {
	ask, answer := make(chan int), make(chan int)
	go func() {
		for v := range ask {
			answer <- v
		}
	}()
	defer close(ask)
	for time.Now().Before(end) {
		ask <- 1
		<-answer
		time.Sleep(time.Millisecond)
	}
	return nil
}

//go:noinline
func count() (n int) {
	for i := 0; i < 400_000_000; i++ {
		n += i & 3
	}
	return n
}

// countAlone counts in a loop without calls, beside nothing else. Only GODEBUG=asyncpreemptoff=1
// makes that a run that cannot be preempted.
func countAlone() error { return crowd(1, always(func() { _ = count() })) }

var encoded int

// encode needs a CPU for about half a millisecond.
//
//go:noinline
func encode() {
	n := 0
	for i := 0; i < 1_000_000; i++ {
		n += i
	}
	encoded = n
}

// cpuContention has other processes, called indexer, take the CPUs.
func cpuContention() error {
	other, remove, err := executable("indexer")
	if err != nil {
		return err
	}
	defer remove()
	for i := 0; i < 3*runtime.NumCPU(); i++ {
		stop, _, err := startAs(other, "child-busy", nil)
		if err != nil {
			return err
		}
		defer stop()
	}
	var mu sync.Mutex
	return crowd(2, always(func() {
		mu.Lock()
		encode()
		mu.Unlock()
	}))
}

// inBursts wants both CPUs for most of the time.
func inBursts() error {
	return crowd(2, always(func() {
		busy(5 * time.Millisecond)
		time.Sleep(time.Millisecond)
	}))
}

// lookup stays in the kernel for a while, where the runtime cannot know of it.
//
//go:noinline
func lookup() {
	t := syscall.NsecToTimespec(int64(time.Millisecond))
	_ = syscall.Nanosleep(&t, nil)
}

// handoff makes calls while others want the Ps.
func handoff() error {
	end := time.Now().Add(length)
	for i := 0; i < 3; i++ {
		go func() {
			for time.Now().Before(end) {
				busy(200 * time.Microsecond)
				runtime.Gosched()
			}
		}()
	}
	return crowd(4, always(lookup))
}
