package example

import (
	"sync"
	"testing"
)

// clients is how many requests are under way at once.
const clients = 8

func BenchmarkAppend(b *testing.B) {
	var journal Journal
	var wg sync.WaitGroup
	requests := make(chan string)
	for range clients {
		wg.Go(func() {
			for request := range requests {
				journal.Append(request)
			}
		})
	}
	for range b.N {
		requests <- "a request"
	}
	close(requests)
	wg.Wait()
	if got := len(journal.entries); got != b.N {
		b.Fatalf("%d entries of %d requests", got, b.N)
	}
}
