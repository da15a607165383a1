// Builds is a small service that stands for several builds of one program: with -regress it has one
// thing that the others have not, and all else is the same. What its goroutines wait for, and how
// long, follows from its own timetable, which is short: a comparison of runs has to find the one
// thing, and nothing between two runs of the same build.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"
)

// build is what can differ.
type build struct {
	compaction time.Duration // that compact takes
	hold       time.Duration // that flush has the lock
	audits     bool          // some requests wait for an auditor
	forgets    bool          // nobody tells notify how it went
}

var builds = map[string]build{
	"none":  {compaction: 4 * time.Millisecond, hold: 2 * time.Millisecond},
	"delay": {compaction: 8900 * time.Microsecond, hold: 2 * time.Millisecond},
	"lock":  {compaction: 4 * time.Millisecond, hold: 4 * time.Millisecond},
	"site":  {compaction: 4 * time.Millisecond, hold: 2 * time.Millisecond, audits: true},
	"leak":  {compaction: 4 * time.Millisecond, hold: 2 * time.Millisecond, forgets: true},
}

// The timetable: a cycle begins with a flush, and has its requests when that is over in every
// build. Where a compaction takes long the next flush is late, and the next requests are not.
const (
	cycle    = 11 * time.Millisecond
	requests = 5 * time.Millisecond // after the beginning of the cycle
)

func main() {
	regress := flag.String("regress", "none", "what is worse in this build: "+names())
	length := flag.Duration("for", 550*time.Millisecond, "end after this time, which is cut to whole cycles")
	flag.Parse()
	b, ok := builds[*regress]
	if !ok {
		fail(fmt.Errorf("there is no build %q; there are %s", *regress, names()))
	}
	// how many goroutines run at once is not left to when the kernel finds a CPU for another thread
	runtime.GOMAXPROCS(1)
	if err := surroundings(); err != nil {
		fail(err)
	}
	if err := newService(b).run(int(*length / cycle)); err != nil {
		fail(err)
	}
}

func names() string {
	var list []string
	for name := range builds {
		list = append(list, name)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "builds:", err)
	os.Exit(1)
}

// service is what the cycles have in common.
type service struct {
	build
	store  *store
	audits chan question
	wrong  chan error // the first answer that was wrong
}

func newService(b build) *service {
	s := &service{build: b, store: new(store), audits: make(chan question, batch), wrong: make(chan error, 1)}
	for i := 0; i < readers; i++ {
		s.store.fresh = append(s.store.fresh, make(chan int, 8))
		go s.read(s.store.fresh[i])
	}
	for i := 0; i < batch/auditEvery; i++ {
		go auditor(s.audits)
	}
	return s
}

// run does the cycles at their time, or as soon as it can.
func (s *service) run(cycles int) error {
	begin := time.Now()
	for n := 0; n < cycles; n++ {
		at := begin.Add(time.Duration(n) * cycle)
		time.Sleep(time.Until(at))
		s.store.flush(n+1, s.hold)
		time.Sleep(time.Until(at.Add(requests)))
		s.serve(n)
	}
	time.Sleep(time.Until(begin.Add(time.Duration(cycles) * cycle)))
	select {
	case err := <-s.wrong:
		return err
	default:
		return nil
	}
}

// check keeps what was wrong first.
func (s *service) check(ok bool, format string, args ...interface{}) {
	if ok {
		return
	}
	select {
	case s.wrong <- fmt.Errorf(format, args...):
	default:
	}
}
