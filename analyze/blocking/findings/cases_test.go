package findings_test

import (
	"fmt"
	"slices"
	"strings"
)

// script is a text trace in the making. Times are microseconds; rows may come in any order.
type script struct {
	rows []row
	proc string // of all rows that have one: " proc=0", or nothing
}

// onOneProc is the column of goroutines that all run on one P.
const onOneProc = " proc=0"

type row struct {
	at   int
	text string
}

func (s *script) add(at int, text string, args ...any) {
	s.rows = append(s.rows, row{at, fmt.Sprintf(text, args...)})
}

// start creates a goroutine and lets it run.
func (s *script) start(at, g int, entry string) {
	s.add(at, "g%d notexist->runnable pid=1 stack=\"%s /m.go:1\"", g, entry)
	s.run(at, g)
}

func (s *script) run(at, g int) { s.add(at, "g%d runnable->running pid=1 tid=%d%s", g, 100+g, s.proc) }

func (s *script) park(at, g int, reason, stack string) {
	s.add(at, "g%d running->waiting pid=1 tid=%d%s reason=%q stack=%q", g, 100+g, s.proc, reason, stack)
}

func (s *script) wake(at, g, by int) {
	s.add(at, "g%d waiting->runnable pid=1 by_goid=%d by_stack=\"main.waker /m.go:90;sync.(*Cond).Broadcast "+
		"/cond.go:1\"", g, by)
}

func (s *script) event(at, g int, reason string) {
	s.add(at, "g%d waiting->runnable pid=1 reason=%q", g, reason)
}

// off takes the CPU from a goroutine's thread for a while.
func (s *script) off(at, until, g int, to, from string) {
	s.add(at, "thread g%d running->runnable pid=1 tid=%d cpu=0 reason=%q", g, 100+g, to)
	s.add(until, "thread g%d runnable->running pid=1 tid=%d cpu=0 reason=%q", g, 100+g, from)
}

// traceCase is a recording of 400 ms, and the findings in it in their order.
type traceCase struct {
	name   string
	golden string // the files to compare with
	extra  string // of the process's metadata
	write  func(*script)
	want   string
}

const head = `gosched text trace 1
metadata {"schema_version":1,"source":"ebpf","start_ns":1000000,"end_ns":401000000,"processes":[{"pid":1,` +
	`"command":"prog","executable":"/prog","go_version":"go1.26.8","gomaxprocs":2,"coverage":[]%s}]}
covered all
base 1000000
`

func (c *traceCase) text() string {
	var s script
	c.write(&s)
	slices.SortStableFunc(s.rows, func(a, b row) int { return a.at - b.at })
	var b strings.Builder
	fmt.Fprintf(&b, head, c.extra)
	for _, r := range s.rows {
		fmt.Fprintf(&b, "%dus %s\n", r.at, r.text)
	}
	return b.String()
}

const lockStack = "main.work /m.go:1;main.locked /m.go:7;sync.(*Mutex).Lock /mutex.go:1"

// convoy has four goroutines hand a lock round, each holding it for a millisecond.
func convoy(s *script) {
	for g := 1; g <= 4; g++ {
		s.start(0, g, "main.work")
		if g != 1 {
			s.park(1, g, "sync.Mutex.Lock", lockStack)
		}
	}
	for ms := 1; ms < 399; ms++ {
		next, holder := 1+ms%4, 1+(ms-1)%4
		s.wake(1000*ms, next, holder)
		s.run(1000*ms, next)
		s.park(1000*ms+1, holder, "sync.Mutex.Lock", lockStack)
	}
}

// lockBriefly has one goroutine wait for another's lock for a while of each millisecond. The other
// never waits for it.
func lockBriefly(wait int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.owner")
		s.start(0, 2, "main.work")
		for at := 100; at < 399000; at += 1000 {
			s.park(at, 2, "sync.Mutex.Lock", lockStack)
			s.wake(at+wait, 2, 1)
			s.run(at+wait, 2)
		}
	}
}

// stoppedInQueue has three goroutines hand a lock round, which they hardly wait for, until all
// threads are stopped for half of the recording while two of them queue.
func stoppedInQueue(state string) func(*script) {
	return func(s *script) {
		for g := 1; g <= 3; g++ {
			s.start(0, g, "main.work")
			s.add(0, "thread g%d runnable->running pid=1 tid=%d", g, 100+g)
			s.add(150000, "thread g%d running->waiting pid=1 tid=%d reason=%q", g, 100+g, state)
			s.add(350000, "thread g%d waiting->runnable pid=1 tid=%d", g, 100+g)
			s.add(350001, "thread g%d runnable->running pid=1 tid=%d", g, 100+g)
		}
		for ms := 1; ms < 399; ms++ {
			holder, next, last := 1+ms%3, 1+(ms+1)%3, 1+(ms+2)%3
			at := 1000 * ms
			if at >= 150000 && at <= 350000 {
				continue
			}
			s.park(at-50, next, "sync.Mutex.Lock", lockStack)
			s.park(at-50, last, "sync.Mutex.Lock", lockStack)
			if at+1000 == 150000 { // they queue over the stop
				at = 350100
			}
			s.wake(at+50, next, holder)
			s.run(at+50, next)
			s.wake(at+60, last, next)
			s.run(at+60, last)
		}
	}
}

// after has limits hold from the recording's beginning on that the metadata does not have.
func after(write func(*script), limits ...string) func(*script) {
	return func(s *script) {
		for _, l := range limits {
			s.add(0, "limit pid=1 reason=%q", l)
		}
		write(s)
	}
}

// owned has four goroutines wait for a lock whose owner never waits for it.
func owned(s *script) {
	s.start(0, 9, "main.owner")
	for g := 1; g <= 4; g++ {
		s.start(0, g, "main.work")
		s.park(1, g, "sync.Mutex.Lock", lockStack)
	}
	for ms := 1; ms < 399; ms++ {
		g := 1 + ms%4
		s.wake(1000*ms, g, 9)
		s.run(1000*ms, g)
		s.park(1000*ms+10, g, "sync.Mutex.Lock", lockStack)
	}
}

// hog runs ten milliseconds at a time; another goroutine waits for its turn for some of each.
func hog(delay int) func(*script) { return computes(delay, false) }

// computes is a hog that waits for the network, too, if it is to be a request.
func computes(delay int, request bool) func(*script) {
	return func(s *script) {
		s.proc = onOneProc
		s.start(0, 2, "main.serve")
		s.park(1, 2, "IO wait", "main.serve /m.go:5")
		s.start(2, 1, "main.spin")
		if request {
			s.park(3, 1, "IO wait", "main.spin /m.go:1")
			s.event(4, 1, "netpoll")
			s.run(5, 1)
		}
		for at := 9900; at < 399000; at += 10000 {
			s.event(at-delay, 2, "netpoll")
			s.add(at, "g1 running->runnable pid=1 tid=101 proc=0 reason=preempted stack=\"main.spin /m.go:2\"")
			s.run(at, 2)
			s.park(at+99, 2, "IO wait", "main.serve /m.go:5")
			s.run(at+100, 1)
		}
	}
}

// sampled has on-CPU samples of a goroutine, one every 9 ms.
func sampled(write func(*script), g int, stack string) func(*script) {
	return func(s *script) {
		write(s)
		for at := 500; at < 399000; at += 9000 {
			s.add(at, "sample g%d pid=1 tid=%d cpu=0 proc=0 stack=%q", g, 100+g, stack)
		}
	}
}

// aside has one goroutine compute on a P, and another wait for the network and run on the other P.
func aside(s *script) {
	s.start(0, 1, "main.compute")
	s.start(0, 2, "main.serve")
	s.rows[0].text += " proc=0"
	s.proc = " proc=1"
	s.park(1, 2, "IO wait", "main.serve /m.go:5")
	for at := 9900; at < 399000; at += 10000 {
		s.event(at, 2, "netpoll")
		s.run(at+10, 2)
		s.park(at+1000, 2, "IO wait", "main.serve /m.go:5")
	}
}

// fanIn has four goroutines send to one, which rests for some of each millisecond.
func fanIn(rest int) func(*script) {
	return func(s *script) {
		s.start(0, 9, "main.collect")
		for g := 1; g <= 4; g++ {
			s.start(0, g, "main.produce")
			s.park(1, g, "chan send", "main.produce /m.go:4")
		}
		for ms := 1; ms < 399; ms++ {
			g := 1 + ms%4
			s.wake(1000*ms, g, 9)
			s.run(1000*ms, g)
			s.park(1000*ms+10, g, "chan send", "main.produce /m.go:4")
			if rest > 0 {
				s.park(1000*ms+20, 9, "IO wait", "main.collect /m.go:8")
				s.event(1000*ms+20+rest, 9, "netpoll")
				s.run(1000*ms+20+rest, 9)
			}
		}
	}
}

// herd wakes ten goroutines every ten milliseconds, which run for a while after a delay.
func herd(n, run int) func(*script) { return awake(n, run, (*script).wake) }

// signals wakes them one by one.
func signals(s *script, at, g, by int) {
	s.add(at, "g%d waiting->runnable pid=1 by_goid=%d by_stack=\"main.waker /m.go:90;sync.(*Cond).Signal /cond.go:1\"",
		g, by)
}

func awake(n, run int, wake func(s *script, at, g, by int)) func(*script) {
	return func(s *script) {
		s.start(0, 90, "main.signal")
		for g := 1; g <= n; g++ {
			s.start(0, g, "main.wait")
			s.park(1, g, "sync.Cond.Wait", "main.wait /m.go:4")
		}
		for at := 1000; at < 399000; at += 10000 {
			for g := 1; g <= n; g++ {
				wake(s, at+g, g, 90)
				s.run(at+g+200, g)
				s.park(at+g+200+run, g, "sync.Cond.Wait", "main.wait /m.go:4")
			}
		}
	}
}

// timers wake a goroutine again and again for a short run.
func timers(period, run int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.poll")
		for at := 100; at < 398000; at += period {
			s.park(at, 1, "sleep", "main.poll /m.go:4;time.Sleep /t.go:1")
			s.event(at+period-run-20, 1, "timer")
			s.run(at+period-run, 1)
		}
	}
}

// pauses has a goroutine wait for requests, and sleep again and again while it works on one.
func pauses(s *script) {
	s.start(0, 1, "main.serve")
	for at := 100; at < 390000; at += 10000 {
		s.park(at, 1, "IO wait", "main.serve /m.go:4")
		s.event(at+20, 1, "netpoll")
		s.run(at+30, 1)
		for k := range 19 {
			begin := at + 50 + 500*k
			s.park(begin, 1, "sleep", "main.serve /m.go:5;main.exec /m.go:9;time.Sleep /t.go:1")
			s.event(begin+470, 1, "timer")
			s.run(begin+490, 1)
		}
	}
}

func assists(wait int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.allocate")
		for at := 1000; at < 398000; at += 10000 {
			s.add(at, "range notexist->notexist pid=1 end_ns=%dus reason=\"GC concurrent mark phase\"", at+wait)
			s.park(at, 1, "GC assist marking", "main.allocate /m.go:4;runtime.mallocgc /malloc.go:1")
			s.event(at+wait, 1, "gc")
			s.run(at+wait, 1)
		}
	}
}

// collections has one goroutine ask for garbage collections, others that wait for it meanwhile.
func collections(period int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.tidy")
		s.start(0, 2, "main.serve")
		for at := 1000; at < 390000; at += period {
			s.add(at, "range notexist->notexist pid=1 end_ns=%dus reason=\"GC concurrent mark phase\"", at+5000)
			s.park(at+10, 1, "wait for GC cycle",
				"main.tidy /m.go:4;runtime.GC /mgc.go:1;runtime.gcWaitOnMark /mgc.go:2")
			s.park(at+20, 2, "GC assist wait", "main.serve /m.go:8;runtime.mallocgc /malloc.go:1")
			s.event(at+4000, 2, "gc")
			s.run(at+4000, 2)
			s.event(at+5000, 1, "gc")
			s.run(at+5000, 1)
		}
	}
}

// create makes goroutines, one every period, that wait or end.
func create(n, period int, reason string, ends bool) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.main")
		for i := range n {
			at, g := 100+i*period, 2+i
			s.start(at, g, "main.handle")
			if ends {
				s.add(at+500, "g%d running->notexist pid=1", g)
			} else {
				s.park(at+1, g, reason, "main.handle /m.go:4")
			}
		}
	}
}

// longRuns are four runs of 60 ms, of which the thread has no CPU for a while.
func longRuns(off int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.copy")
		for at := 1000; at < 390000; at += 80000 {
			s.park(at, 1, "sleep", "main.copy /m.go:4")
			s.event(at+10000, 1, "timer")
			s.run(at+10000, 1)
			s.off(at+11000, at+11000+max(1, off), 1, "prog", "prog")
		}
	}
}

// lateRuns are runs of 20 ms that end because the runtime asks, and every fifth of 50 ms. The other
// goroutine waits for its turn.
func lateRuns(s *script) {
	s.proc = onOneProc
	s.start(0, 2, "main.serve")
	s.park(1, 2, "IO wait", "main.serve /m.go:5")
	s.start(2, 1, "main.spin")
	s.off(3, 4, 1, "prog", "prog")
	for at, k := 0, 0; at < 330000; k++ {
		if at += 20000; k%5 == 4 {
			at += 30000
		}
		s.event(at-8000, 2, "netpoll")
		s.add(at, "g1 running->runnable pid=1 tid=101 proc=0 reason=preempted stack=\"main.spin /m.go:2\"")
		s.run(at, 2)
		s.park(at+99, 2, "IO wait", "main.serve /m.go:5")
		s.run(at+100, 1)
	}
}

// without takes the CPU from a running goroutine's thread for half of the time.
func without(to, from string) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.compute")
		for at := 1000; at < 390000; at += 40000 {
			s.off(at, at+20000, 1, to, from)
		}
	}
}

// besides has the CPU taken from a goroutine's thread for a short time now and then, too.
func besides(write func(*script), to string) func(*script) {
	return func(s *script) {
		write(s)
		for at := 20000; at < 390000; at += 40000 {
			s.off(at, at+300, 1, to, to)
		}
	}
}

// calls are system calls of 1 ms, which cost the P or not.
func calls(to string) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.read")
		for at := 1000; at < 398000; at += 2000 {
			s.add(at, "g1 running->syscall pid=1 tid=101 reason=read stack=\"main.read /m.go:3\"")
			s.add(at+1000, "g1 syscall->%s pid=1 tid=101", to)
			if to == "runnable" {
				s.run(at+1500, 1)
			}
		}
	}
}

func stops(length int, why string) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.main")
		for at := 1000; at < 390000; at += 10000 {
			s.add(at, "range notexist->notexist pid=1 end_ns=%dus reason=\"stop-the-world (%s)\"",
				at+length, why)
		}
	}
}

func lost(length int) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.main")
		s.add(100000, "gap pid=1 end_ns=%dus reason=\"ring buffer full\"", 100000+length)
	}
}

const oneP = `,"gomaxprocs":1`

const halfACPU, almostTwo, three = `,"cpu_quota":0.5`, `,"cpu_quota":1.5`, `,"cpu_quota":3`

// stoppedFor is the kernel's count of a quota's stops.
func stoppedFor(ms, times int) string {
	return fmt.Sprintf(`,"throttled_ns":%d,"throttled":%d`, ms*1_000_000, times)
}

// spin has goroutines that nothing preempts until their entry function, main.spin, has returned.
// Others wait for their P.
func spin(s *script) {
	s.proc = onOneProc
	for g := 10; g < 20; g++ {
		s.start(g, g, "main.victim")
		s.park(g, g, "sleep", "main.victim /m.go:21")
	}
	for k := range 4 {
		begin, spinner := 1000+100_000*k, 100+k
		s.start(begin, spinner, "main.spin")
		s.off(begin+10, begin+11, spinner, "prog", "prog")
		end := begin + 95_000
		over := `g%d running->runnable pid=1 tid=%d proc=0 reason=preempted stack="runtime.goexit1 /proc.go:1"`
		s.add(end, over, spinner, 100+spinner)
		for g := 10; g < 20; g++ {
			s.event(begin+1000, g, "timer")
			s.run(end+20*g, g)
			s.park(end+20*g+10, g, "sleep", "main.victim /m.go:21")
		}
		s.run(end+500, spinner)
		s.add(end+501, "g%d running->notexist pid=1 tid=%d proc=0", spinner, 100+spinner)
	}
}

var cases = []traceCase{
	{"a lock that is handed round", "convoy", "", convoy, "serial-section"},
	{"a lock that is taken often and waited for briefly", "", "", lockBriefly(50), ""},
	{"a lock whose owner does not queue", "", "", owned, "serial-section"},
	{"a lock that one at a time waits for", "", "", lockBriefly(990), "serial-section"},
	{"requests that keep the P", "hog", oneP, besides(computes(8000, true), "prog"), "hog"},
	{"requests that keep the P, or whose threads have no CPU", "", oneP, computes(8000, true), ""},
	{"a goroutine that keeps the P, which no request began", "background", oneP, hog(8000), "background-work"},
	{"samples of what keeps the P", "sampled", oneP, sampled(hog(8000), 1, "main.spin /m.go:2;main.mix /m.go:30"),
		"background-work"},
	{"samples of what allocates", "", "", sampled(assists(2000), 1, "main.allocate /m.go:4;main.grow /m.go:9;"+
		"runtime.mallocgc /malloc.go:1"), "gc-pressure"},
	{"work that no request began, beside a free P", "", "", aside, ""},
	{"runs of 95 ms that end with their goroutines", "spin", oneP, spin, "long-run"},
	{"runs of 50 ms among more that end when they are asked to", "", oneP, lateRuns, "background-work"},
	{"long runs that nobody waits behind", "", "", hog(90), ""},
	{"four senders and one busy receiver", "queue", "", fanIn(0), "queued-behind"},
	{"four senders and a receiver that waits for the network", "", "", fanIn(500), "queued-behind"},
	{"ten goroutines woken for nothing", "", "", herd(10, 20), "thundering-herd"},
	{"ten goroutines woken for work", "", "", herd(10, 500), ""},
	{"ten goroutines woken for short work, each by a signal of its own", "", "", awake(10, 20, signals), ""},
	{"five goroutines woken for nothing", "", "", herd(5, 20), ""},
	{"a timer two thousand times a second", "", "", timers(500, 10), "timer-storm"},
	{"a timer two thousand times a second in the middle of work", "", "", pauses, ""},
	{"a timer two hundred times a second", "", "", timers(5000, 10), ""},
	{"a timer that begins real work", "", "", timers(500, 300), ""},
	{"long waits for the collector", "gc", "", assists(2000), "gc-pressure"},
	{"a collection every 10 ms that is asked for", "asked", "", collections(10000), "explicit-gc"},
	{"a collection that is asked for twice", "", "", collections(200000), ""},
	{"short waits for the collector", "", "", assists(20), ""},
	{"a goroutine more each millisecond", "", "", create(398, 1000, "sleep", false), "goroutine-growth"},
	{"all goroutines at the start", "", "", create(398, 1, "sleep", false), ""},
	{"goroutines that come and go", "", "", create(398, 1000, "", true), ""},
	{"goroutines left behind one by one", "leak", "", create(40, 9900, "chan send", false), "leak"},
	{"workers without work", "", "", create(40, 1, "chan receive", false), ""},
	{"runs of 60 ms on a CPU", "", "", longRuns(0), "long-run"},
	{"runs of 60 ms without a CPU for most of it", "", "", longRuns(45000), ""},
	{"another process has the CPU", "", "", without("hog", "hog"), "cpu-contention"},
	{"another process has the CPU now and then", "beside", oneP, besides(hog(8000), "hey"), "background-work"},
	{"the recorder has the CPU", "recorder", "", without("gosched", "gosched"), ""},
	{"the process's own threads have the CPU", "", "", without("prog", "prog"), ""},
	{"an idle CPU that a process with a quota does not get", "throttled", halfACPU, without("swapper", "swapper"),
		"cpu-throttled procs-over-quota"},
	{"a CPU that goes idle, and that another process has in the end", "", halfACPU, without("swapper", "hog"),
		"cpu-throttled procs-over-quota"},
	{"a quota and as many Ps", "", almostTwo, without("swapper", "swapper"), "cpu-throttled"},
	{"a quota that comes later", "", "", after(without("swapper", "swapper"), "CPU quota 0.5"),
		"cpu-throttled procs-over-quota"},
	{"a quota that is taken away", "", halfACPU, after(without("swapper", "swapper"), "CPU quota none"), ""},
	{"a quota and one P, of two at first", "", halfACPU, after(without("swapper", "swapper"), "GOMAXPROCS 1"),
		"cpu-throttled"},
	{"a process that SIGSTOP stops while goroutines queue", "stopped", "", stoppedInQueue("stopped"),
		"process-stopped"},
	{"a process that a debugger stops while goroutines queue", "", "", stoppedInQueue("tracing stop"),
		"process-stopped"},
	{"a process whose threads sleep while goroutines queue", "", "", stoppedInQueue("sleeping"), "serial-section"},
	{"a quota, and others that have the CPU", "", three, without("hog", "hog"), "cpu-contention"},
	{"a quota that the kernel says stopped the process, and others that have the CPU", "stopped-by-quota",
		halfACPU + stoppedFor(190, 4), without("hog", "hog"), "cpu-throttled procs-over-quota"},
	{"a quota that the kernel says stopped the process for half of that", "", three + stoppedFor(100, 4),
		without("hog", "hog"), "cpu-contention cpu-throttled"},
	{"a quota that is not used up, and others that have the CPU", "", three + stoppedFor(0, 0),
		without("hog", "hog"), "cpu-contention"},
	{"a quota that the kernel says stopped the process a little", "", three + stoppedFor(20, 1),
		without("hog", "hog"), "cpu-contention"},
	{"a quota that was used up once, and others that have the CPU", "", three + stoppedFor(190, 1),
		without("hog", "hog"), "cpu-throttled"},
	{"an idle CPU that the kernel says is not the quota's", "", halfACPU + stoppedFor(0, 0),
		without("swapper", "swapper"), ""},
	{"an idle CPU without a quota", "", "", without("swapper", "swapper"), ""},
	{"system calls that cost the P", "", "", calls("runnable"), "syscall-handoff"},
	{"system calls that do not", "", "", calls("running"), ""},
	{"a stop of 1 ms every 10 ms to read statistics", "", "", stops(1000, "read mem stats"), "explicit-stop"},
	{"a stop of 1 ms every 10 ms for a tracer", "", "", stops(1000, "start trace"), "stop-the-world"},
	{"a stop of 20 µs every 10 ms", "", "", stops(20, "read mem stats"), ""},
	{"a tenth of the recording is missing", "", "", lost(40000), "gaps"},
	{"a hundredth of the recording is missing", "", "", lost(4000), ""},
}
