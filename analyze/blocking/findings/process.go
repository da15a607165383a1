package findings

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// process is what is remembered of one.
type process struct {
	pid         int32
	meta        *format.Process    // nil: the trace does not know it
	goroutines  int64              // alive
	sites       replay.ByID[*site] // by stack
	places      []*site
	sections    map[sectionKey]*section
	inOrder     []*section         // in that of their first waits
	threads     replay.ByID[int64] // by TID: nanoseconds without a CPU since the goroutine on it changed state
	entries     replay.ByID[entryTime]
	procsHeld   replay.ByID[*holders]
	ends        replay.ByID[runEnd] // by stack
	ranNS       int64               // goroutines of the program on a CPU, as far as known
	readyNS     int64               // runnable
	backFromOS  waits               // runnable because of a system call that cost the P
	calls       int64
	procs       float64    // GOMAXPROCS at the moment; 0: not known
	quota       float64    // CPUs at the moment; 0: no limit
	throttled   throttling // ready threads whose CPU was idle for long
	overQuota   throttling // of them those while there were more Ps than the quota has CPUs
	ready       throttling // all ready threads with a goroutine, while there was a quota
	readyOver   throttling // of them those while there were more Ps than that
	timer       waits      // short runs begun by timers for nothing, with the delays before
	gc          collector
	descriptors descriptors
	transfers   transfers
	suspended   waits    // stopped from outside
	suspenders  []string // by whom
	alive       curve
	threadsIn   bool
}

// waits are times of one sort.
type waits struct{ count, sumNS, maxNS int64 }

func (w *waits) take(ns int64) {
	w.count++
	w.sumNS += ns
	w.maxNS = max(w.maxNS, ns)
}

// shortRuns are runs with the delays before them; delayNS is the delays alone.
type shortRuns struct {
	waits
	delayNS int64
}

func (r *shortRuns) take(ranNS, delayNS int64) {
	r.waits.take(ranNS + delayNS)
	r.delayNS += delayNS
}

// goroutine is what is remembered of one that is alive.
type goroutine struct {
	ranNS   int64 // since it was woken
	delayNS int64 // from its last wake-up to running
	herd    *site // where it was woken as one of many, and has not waited since
	entry   replay.EntryID
	in      [4]*section // where it has waited, the latest first
	took    *section    // where a goroutine let it through last, until it ends a wait there itself
	tookNS  int64       // when
	timer   *site       // where a timer woke it, and it has not waited since
	least   int         // the least depth of a site where it waited, and one; 0: it has not yet
	request bool        // it waits for the network, or such a goroutine began it
	reader  *reader     // where it read last
}

// entryTime is the time of goroutines with one entry function.
type entryTime struct {
	alive, most int64 // goroutines, and the most at a time
	readyNS     int64 // in delays of minDelay or more
	delays      int64
	maxNS       int64 // the longest of these
	hoggedNS    int64 // on the CPU in runs of minHog or more
	hogs        int64
	longest     int64
	longestSeen int64                      // the longest of those whose end has a stack
	hogsStack   format.StringID            // that
	askedNS     int64                      // in runs so long that the runtime asked for the P
	long        waits                      // of them those that went on well beyond what it allows
	longStack   format.StringID            // where the longest of these ended; null: with its goroutine
	behindLong  int64                      // of behindNS, behind these after what it allows
	heldNS      int64                      // that they had a P
	requestNS   int64                      // of that, for requests
	behindNS    int64                      // of the delays of goroutines that got a P which these had before
	othersNS    int64                      // of that, of goroutines with other entry functions
	until       map[format.StringID]*int64 // nanoseconds of runs, by where they ended
	sampled     map[format.StringID]int64  // on-CPU samples, by stack
}

// site is a place where goroutines wait.
type site struct {
	stack       format.StringID
	reason      format.StringID
	section     *section // nil: nobody is waited for there
	class       replay.Class
	waits       waits
	first, last int64 // the time from the first wait to the last
	timers      int64 // waits that a timer ended for nothing
	depth       int   // frames of the program's own
	burst       []*goroutine
	burstBy     format.GoID
	burstAt     int64
	bursts      int64
	herd        int64     // woken as one of many
	futile      shortRuns // of them those that soon waited here again
	woken       int64
	left        []int64 // when those that waited at the end began to
	leftAt      int64
}

func newProcess(pid int32) *process {
	return &process{pid: pid, gc: newCollector(), descriptors: newDescriptors(),
		transfers: newTransfers(), sections: map[sectionKey]*section{}}
}

// goroutine is one of the current process.
func (p *Pass) goroutine(id format.GoID) *goroutine {
	g := p.find(id)
	if g == nil {
		g = new(goroutine)
		p.goroutines.Put(p.current.pid, id, g)
		p.current.goroutines++
	}
	return g
}

// find is a goroutine of the current process that is known, or nil.
func (p *Pass) find(id format.GoID) *goroutine { return p.goroutines.Find(p.current.pid, id) }

// drop forgets a goroutine that ended.
func (p *Pass) drop(id format.GoID) {
	p.goroutines.Drop(p.current.pid, id)
	p.current.goroutines--
}

// maxSites bounds the places that are told apart in a process; others are not looked at.
const maxSites = 1 << 16

// site is the place where a goroutine waits; nil where the stack is not known.
func (p *Pass) site(s *replay.Span) *site {
	if s.Stack == format.NullString {
		return nil
	}
	at := p.current.sites.At(uint32(s.Stack))
	if *at == nil && len(p.current.places) < maxSites {
		f := p.reason(s.Reason)
		reason, text := p.names.Reason(s.Reason), p.names.Stack(s.Stack)
		*at = &site{stack: s.Stack, reason: s.Reason, class: f.class, first: s.Begin, depth: stack.OwnFrames(text),
			section: p.section(reason, text, replay.ClassAt(reason, text))}
		p.current.places = append(p.current.places, *at)
	}
	return *at
}

// curve is how many goroutines there are, as a sum of changes in equal stretches of time. It halves
// its resolution when it is full.
type curve struct {
	begin, step int64
	change      [64]int64
	created     int64
	exited      int64
}

// move changes how many there are from a time on.
func (c *curve) move(at, n int64) {
	if c.step == 0 {
		c.begin, c.step = at, 1<<20
	}
	for (at-c.begin)/c.step >= int64(len(c.change)) {
		for i := range c.change {
			c.change[i] = c.sumAt(2*i) + c.sumAt(2*i+1)
		}
		c.step *= 2
	}
	c.change[max(0, (at-c.begin)/c.step)] += n
	if n > 0 {
		c.created += n
	} else {
		c.exited -= n
	}
}

func (c *curve) sumAt(i int) int64 {
	if i >= len(c.change) {
		return 0
	}
	return c.change[i]
}

// between is by how many goroutines there are more at the end of a stretch of time.
func (c *curve) between(begin, end int64) int64 {
	var sum int64
	for i, n := range c.change {
		if at := c.begin + int64(i)*c.step; at >= begin && at < end {
			sum += n
		}
	}
	return sum
}
