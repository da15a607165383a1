package main

import (
	"sync"
	"time"
)

const (
	batch        = 40                    // requests that come at once
	work         = 20 * time.Microsecond // that one takes
	auditEvery   = 20                    // one request in so many is audited, where any is
	compactEvery = 10                    // one batch in so many comes when it is time to compact
)

// serve answers the requests of a cycle: they come at once, so that they queue behind each other.
func (s *service) serve(n int) {
	var wg sync.WaitGroup
	answers := make([]int, batch)
	wg.Add(batch)
	if n%compactEvery == compactEvery/2 {
		wg.Add(1)
		go compact(s.compaction, &wg)
	}
	for i := range answers {
		go s.handle(i, &answers[i], &wg)
	}
	wg.Wait()
	for i, got := range answers {
		s.check(got == i*i, "request %d was answered %d", i, got)
	}
	s.tell(len(answers))
}

// compact has the P first, and the requests of its cycle queue behind it.
//
//go:noinline
func compact(d time.Duration, wg *sync.WaitGroup) {
	burn(d)
	wg.Done()
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
