package findings_test

// sleepUnderLock has four goroutines hand a lock round, each of which sleeps with it for most of a
// millisecond.
func sleepUnderLock(s *script) {
	for g := 1; g <= 4; g++ {
		s.start(0, g, "main.work")
		if g != 1 {
			s.park(1, g, "sync.Mutex.Lock", lockStack)
		}
	}
	for ms := range 398 {
		at, holder, next := 1000*ms+10, 1+ms%4, 1+(ms+1)%4
		s.park(at, holder, "sleep", "main.work /m.go:1;main.locked /m.go:8;time.Sleep /t.go:1")
		s.event(at+900, holder, "timer")
		s.run(at+900, holder)
		s.wake(at+920, next, holder)
		s.run(at+920, next)
		s.park(at+930, holder, "sync.Mutex.Lock", lockStack)
	}
}

// shards has goroutines take one of three locks, two for each, one of whom holds it so many
// microseconds of a millisecond while the other waits.
func shards(held ...int) func(*script) {
	return func(s *script) {
		for i, us := range held {
			owner, other := 1+2*i, 2+2*i
			s.start(0, owner, "main.work")
			s.start(0, other, "main.work")
			for at := 100; at < 399000; at += 1000 {
				s.add(at, "g%d running->waiting pid=1 tid=%d reason=sync.Mutex.Lock stack=%q object=%d", other,
					100+other, lockStack, 70+i)
				s.wake(at+us, other, owner)
				s.run(at+us, other)
			}
		}
	}
}

// sleepWithoutLock has them sleep, and take the lock for a moment after.
func sleepWithoutLock(s *script) {
	s.start(0, 1, "main.work")
	s.start(0, 2, "main.work")
	for at := 100; at < 398000; at += 1000 {
		for g := 1; g <= 2; g++ {
			s.park(at+g, g, "sleep", "main.work /m.go:1;main.pause /m.go:8;time.Sleep /t.go:1")
			s.event(at+800, g, "timer")
			s.run(at+800, g)
		}
		s.park(at+805, 2, "sync.Mutex.Lock", lockStack)
		s.wake(at+810, 2, 1)
		s.run(at+810, 2)
	}
}

// semaphore has n goroutines go through one by one, in a function that waits in this way; each lets
// the next one through, a millisecond later.
func semaphore(n int, reason, stack string) func(*script) {
	return func(s *script) {
		for g := 1; g <= n; g++ {
			s.start(0, g, "main.work")
			if g != 1 {
				s.park(1, g, reason, stack)
			}
		}
		for ms := 1; ms < 399; ms++ {
			holder, next := 1+(ms-1)%n, 1+ms%n
			s.wake(1000*ms, next, holder)
			s.run(1000*ms, next)
			s.park(1000*ms+1, holder, reason, stack)
		}
	}
}

const (
	slotStack = "main.work /m.go:1;main.call /m.go:12"
	poolStack = "main.work /m.go:1;main.query /m.go:14;database/sql.(*DB).QueryRow /sql.go:2;" +
		"database/sql.(*DB).conn /sql.go:1"
)

// served has so many goroutines send to others, each of which answers one every so many
// milliseconds: turn says who. Those that are not asked wait for work.
func served(senders, receivers int, turn func(ms int) int) func(*script) {
	const receive = "main.serve /m.go:30"
	return func(s *script) {
		for r := range receivers {
			s.start(0, 90+r, "main.serve")
			s.park(1, 90+r, "chan receive", receive)
			s.wake(2+r, 90+r, 91)
			s.run(2+r, 90+r)
			if r != turn(1) {
				s.park(10+r, 90+r, "chan receive", receive)
			}
		}
		for g := 1; g <= senders; g++ {
			s.start(20, g, "main.produce")
			s.park(21, g, "chan send", "main.produce /m.go:4")
		}
		busy := turn(1)
		for ms := 1; ms < 399; ms++ {
			g, by := 1+ms%senders, turn(ms)
			if by != busy {
				s.event(1000*ms-500, 90+by, "timer")
				s.run(1000*ms-500, 90+by)
				s.park(1000*ms-490, 90+busy, "chan receive", receive)
				busy = by
			}
			s.wake(1000*ms, g, 90+by)
			s.run(1000*ms, g)
			s.park(1000*ms+10, g, "chan send", "main.produce /m.go:4")
		}
	}
}

func oneOf(n int) func(ms int) int { return func(ms int) int { return ms % n } }

func always(r int) func(ms int) int { return func(int) int { return r } }

var waitingCases = []traceCase{
	{"four goroutines and a lock that each sleeps with", "sleep", "", sleepUnderLock, "sleep-under-lock"},
	{"three locks, one of which is wanted most", "shards", "", shards(900, 50, 50), "hot-shard"},
	{"three locks that are wanted alike", "", "", shards(400, 400, 400), "serial-section"},
	{"goroutines that sleep without a lock", "", "", sleepWithoutLock, ""},
	{"a channel as a semaphore", "semaphore", "", semaphore(4, "chan send", slotStack), "serial-section"},
	{"a channel of tokens as a semaphore", "", "", semaphore(4, "chan receive", slotStack), "serial-section"},
	{"a pool of connections", "pool", "", semaphore(4, "select", poolStack), "serial-section"},
	{"six senders and two that are all busy", "workers", "", served(6, 2, oneOf(2)), "worker-pool"},
	{"two senders and three that take turns", "", "", served(2, 3, oneOf(3)), ""},
	{"six senders and three, one of which has all of the work", "skew", "", served(6, 3, always(1)),
		"fan-in-imbalance"},
	{"six senders and one of two goroutines of a kind", "", "", served(6, 2, always(1)), "queued-behind"},
}
