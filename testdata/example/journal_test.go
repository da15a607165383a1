package example

import (
	"sync"
	"testing"
	"time"
)

// Requests come in bursts, and as often whatever they take: in a build that is slower they wait for
// longer, and the benchmark takes as long.
const (
	burst = 6
	every = 30 * time.Millisecond
)

func BenchmarkAppend(b *testing.B) {
	var journal Journal
	next := time.Now()
	for range b.N {
		var requests sync.WaitGroup
		for range burst {
			requests.Go(func() { journal.Append("a request") })
		}
		requests.Wait()
		next = next.Add(every)
		time.Sleep(time.Until(next))
	}
	if got := len(journal.entries); got != burst*b.N {
		b.Fatalf("%d entries of %d bursts", got, b.N)
	}
}
