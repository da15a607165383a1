package main

import (
	"sync"
	"time"
)

// readers is how many goroutines want what a flush writes.
const readers = 3

type store struct {
	mu      sync.Mutex
	version int
	fresh   []chan int // each reader's: the version that is being written
}

// flush has the lock for as long as a disk takes to write.
//
//go:noinline
func (s *store) flush(version int, hold time.Duration) {
	s.mu.Lock()
	for _, c := range s.fresh {
		c <- version
	}
	time.Sleep(hold)
	s.version = version
	s.mu.Unlock()
}

//go:noinline
func (s *store) get() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// read asks for each version while it is being written.
func (s *service) read(fresh chan int) {
	for version := range fresh {
		got := s.store.get()
		s.check(got >= version, "the store has version %d, and %d was written", got, version)
	}
}
