// Locks contends for mutexes, read-write mutexes, condition variables and wait groups.
package main

import (
	"runtime"
	"sync"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(mutex(16, 300), readWrite(), cond(8, 200), broadcast(20, 30), waitGroups(100, 20),
			once(64))
	})
}

// mutex has goroutines hold a lock across a yield, so that others find it taken on one P as well.
func mutex(goroutines int, n int64) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var count int64
	for i := 0; i < goroutines; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int64(0); i < n; i++ {
				mu.Lock()
				count++
				if i%8 == 0 {
					runtime.Gosched()
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return bracket.Check("mutex count", count, int64(goroutines)*n)
}

// readWrite has readers and writers take turns.
func readWrite() error {
	const readers, writers, rounds = 12, 4, 150
	var mu sync.RWMutex
	var wg sync.WaitGroup
	var a, b, torn int64
	var tornMu sync.Mutex
	for i := 0; i < readers; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < rounds; i++ {
				mu.RLock()
				x := a
				runtime.Gosched()
				if b != x {
					tornMu.Lock()
					torn++
					tornMu.Unlock()
				}
				mu.RUnlock()
			}
		}()
	}
	for i := 0; i < writers; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < rounds; i++ {
				mu.Lock()
				a++
				runtime.Gosched()
				b++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return bracket.First(bracket.Check("torn reads", torn, 0), bracket.Check("writes", a, writers*rounds))
}

// cond hands items over one at a time with Signal.
func cond(consumers int, n int64) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	c := sync.NewCond(&mu)
	var items, taken int64
	closed := false
	for i := 0; i < consumers; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			for {
				for items == 0 && !closed {
					c.Wait()
				}
				if items == 0 {
					return
				}
				items--
				taken++
			}
		}()
	}
	for i := int64(0); i < n; i++ {
		mu.Lock()
		items++
		mu.Unlock()
		c.Signal()
		runtime.Gosched()
	}
	mu.Lock()
	closed = true
	mu.Unlock()
	c.Broadcast()
	wg.Wait()
	return bracket.Check("items taken", taken, n)
}

// broadcast runs a barrier of n goroutines for some rounds.
func broadcast(n, rounds int) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	c := sync.NewCond(&mu)
	arrived, round := 0, 0
	var passed int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			for r := 0; r < rounds; r++ {
				passed++
				if arrived++; arrived == n {
					arrived, round = 0, round+1
					c.Broadcast()
					continue
				}
				for round == r {
					c.Wait()
				}
			}
		}()
	}
	wg.Wait()
	return bracket.Check("barrier passes", passed, int64(n*rounds))
}

// waitGroups starts and awaits small groups, again and again, with two waiters each.
func waitGroups(rounds, n int) error {
	var count int64
	for r := 0; r < rounds; r++ {
		var wg sync.WaitGroup
		var mu sync.Mutex
		wg.Add(n)
		second := make(chan struct{})
		go func() {
			wg.Wait()
			close(second)
		}()
		for i := 0; i < n; i++ {
			go func() {
				mu.Lock()
				count++
				mu.Unlock()
				wg.Done()
			}()
		}
		wg.Wait()
		<-second
	}
	return bracket.Check("group members", count, int64(rounds*n))
}

// once has many goroutines wait for one initialization that yields.
func once(n int) error {
	var o sync.Once
	var wg sync.WaitGroup
	var runs int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			o.Do(func() {
				runtime.Gosched()
				runs++
			})
		}()
	}
	wg.Wait()
	return bracket.Check("once", runs, 1)
}
