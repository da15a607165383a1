package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	batch        = 40                    // requests that come at once
	work         = 30 * time.Microsecond // that one takes
	auditEvery   = 8                     // one request in so many is audited, where any is
	compactEvery = 11                    // one batch in so many comes when it is time to compact
)

// serve answers the requests of a cycle: more of them at once than there are Ps, so that they queue behind each other.
func (s *service) serve(n int) {
	var wg sync.WaitGroup
	answers := make([]int, batch)
	compacted := make(chan int)
	compactors := 0
	if n%compactEvery == compactEvery/2 {
		compactors = runtime.GOMAXPROCS(0)
	}
	waiting := int32(compactors)
	for i := 0; i < compactors; i++ {
		go compact(s.compaction, &waiting, compacted)
	}
	wg.Add(batch)
	for i := range answers {
		go s.handle(i, &answers[i], &wg)
	}
	for i := 0; i < compactors; i++ {
		<-compacted
	}
	wg.Wait()
	for i, got := range answers {
		s.check(got == i*i, "request %d was answered %d", i, got)
	}
	s.tell(len(answers))
}

// burn needs a P for a time. The clock of the wall says when that is over: what else is on the CPUs does not make it longer.
func burn(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
	}
}

// compact takes all Ps at once, so that the requests of its cycle queue behind it: who of them is last waits as long as it takes, and a bit.
//
//go:noinline
func compact(d time.Duration, waiting *int32, compacted chan int) {
	atomic.AddInt32(waiting, -1)
	for atomic.LoadInt32(waiting) > 0 {
	}
	burn(d)
	compacted <- 1
}

//go:noinline
func (s *service) handle(i int, answer *int, wg *sync.WaitGroup) {
	burn(work)
	*answer = i * i
	if s.build.audits && i%auditEvery == 0 {
		audit(s.audits, i)
	}
	wg.Done()
}

// question is for an auditor.
type question struct {
	request int
	reply   chan int
}

// audit waits for somebody's reply.
//
//go:noinline
func audit(to chan question, i int) {
	q := question{i, make(chan int)}
	to <- q
	<-q.reply
}

// auditor has nothing to do, or takes its time.
func auditor(questions chan question) {
	for q := range questions {
		time.Sleep(time.Millisecond)
		q.reply <- q.request
	}
}

// tell has somebody told how many requests there were.
func (s *service) tell(n int) {
	outcome := make(chan int, 1)
	if !s.forgets {
		outcome <- n
	}
	go notify(outcome)
}

// notify is there for good when there is no outcome.
//
//go:noinline
func notify(outcome chan int) { <-outcome }
