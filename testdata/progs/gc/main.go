// Gc allocates faster than the collector likes: assists, sweeps, finalizers, forced collections.
package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		defer debug.SetGCPercent(debug.SetGCPercent(20))
		return bracket.First(trees(4, 12), forced(3), finalizers(200), garbage(4, 3000))
	})
}

type node struct {
	left, right *node
	pad         [4]uint64
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: tree(depth - 1), right: tree(depth - 1)}
}

func (n *node) count() int64 {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

// trees has goroutines build pointer-rich trees; they have to help marking.
func trees(goroutines, rounds int) error {
	const depth = 12
	var wg sync.WaitGroup
	var total int64
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var keep [4]*node
			for r := 0; r < rounds; r++ {
				keep[r%len(keep)] = tree(depth)
				atomic.AddInt64(&total, keep[r%len(keep)].count())
			}
		}()
	}
	wg.Wait()
	return bracket.Check("tree nodes", total, int64(goroutines*rounds)*(1<<(depth+1)-1))
}

// forced collects while others allocate.
func forced(n int) error {
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var keep [64][]byte
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				keep[i%len(keep)] = make([]byte, 1024)
				runtime.Gosched()
			}
		}
	}()
	for i := 0; i < n; i++ {
		runtime.GC()
	}
	close(stop)
	<-done
	return nil
}

// finalizers waits for all finalizers of objects that nothing holds.
func finalizers(n int64) error {
	var ran int64
	for i := int64(0); i < n; i++ {
		runtime.SetFinalizer(&node{}, func(*node) { atomic.AddInt64(&ran, 1) })
	}
	for i := 0; i < 200 && atomic.LoadInt64(&ran) < n; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	return bracket.Check("finalizers run", atomic.LoadInt64(&ran), n)
}

// garbage allocates big and small objects that die at once.
func garbage(goroutines, n int) error {
	var wg sync.WaitGroup
	var bytes int64
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var keep []byte
			for i := 0; i < n; i++ {
				keep = make([]byte, 16+i*7)
				keep[len(keep)-1] = 1
				atomic.AddInt64(&bytes, int64(keep[len(keep)-1]))
			}
		}()
	}
	wg.Wait()
	return bracket.Check("allocations", bytes, int64(goroutines*n))
}
