// Package example is a small server's journal, of two builds: with the tag slow its lock is held
// twice as long, with slower four times.
package example

import (
	"sync"
	"time"
)

// Journal keeps what requests did, in order. It is safe for concurrent use.
type Journal struct {
	mu      sync.Mutex
	entries []string
}

// Append writes an entry. Requests queue for the lock while one of them writes.
func (j *Journal) Append(entry string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	time.Sleep(hold) // the disk
	j.entries = append(j.entries, entry)
	return len(j.entries)
}
