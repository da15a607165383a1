package record

import (
	"encoding/binary"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// limitsEvery is how often limits are read that no event tells.
const limitsEvery = 250 * time.Millisecond

// limitsAtRest is how often while nothing is attached: reading them is most of what that costs.
const limitsAtRest = time.Second

// The limits, as an event's reason says them.
const (
	limitProcs uint8 = iota
	limitQuota
	numLimits
)

// limits watches GOMAXPROCS and the CPU quota of the process. GOMAXPROCS changes only while the
// world is stopped, and the programs read it where a stop begins and where it ends, so that it is
// exact. The quota, and GOMAXPROCS where that cannot be had, are read from time to time.
type limits struct {
	quota *target.QuotaReader // nil: it cannot be read
	read  int64               // when limits were last read
	exact bool                // each change of GOMAXPROCS is in an event
	known bool                // GOMAXPROCS is
	since int64               // the earliest time of which GOMAXPROCS is known
	stops throttled
}

// throttled is what the kernel counted of the CPU quota's stops, while one cgroup had the quota.
type throttled struct {
	first, last target.Throttling
	begun       bool // first is known
	moved       bool // another cgroup had the quota later: what both counted cannot be told
	ended       bool // last is the last
}

// take takes a reading, ok saying whether there is one.
func (t *throttled) take(now target.Throttling, ok bool) {
	switch {
	case !ok:
		return
	case !t.begun:
		t.begun, t.first = true, now
	case now.Dir != t.first.Dir || now.NS < t.last.NS || now.Count < t.last.Count:
		t.moved = true
	}
	t.last = now
}

// describe has the metadata say what was counted since the first reading.
func (t *throttled) describe(p *format.Process) {
	if !t.begun || t.moved || !t.ended {
		return
	}
	ns, count := t.last.NS-t.first.NS, t.last.Count-t.first.Count
	p.ThrottledNS, p.Throttled = &ns, &count
}

// watchLimits begins with the limits as they are now, and has the metadata say them: attaching has
// taken some time since that was made.
func (s *subject) watchLimits() {
	if n := s.gomaxprocs(); n > 0 {
		s.about.GOMAXPROCS = n
	}
	s.limits = limits{
		read: s.beginNS, known: s.about.GOMAXPROCS != 0,
		exact: s.in.governing == nil && s.choice.sees(format.TransitionGC) && s.config.GOMAXPROCS != 0 &&
			s.config.Newprocs != 0,
	}
	s.limits.quota, _ = s.proc.QuotaReader() // it has been read once, for the metadata
	if s.limits.quota != nil {
		if quota, err := s.limits.quota.Read(); err == nil { // else the process has ended
			s.about.CPUQuota = quota
			s.limits.stops.take(s.limits.quota.Throttling())
		}
	}
	s.follow.holds(limitQuota, s.texts.limit(limitQuota, s.about.CPUQuota))
	if s.limits.known {
		s.follow.holds(limitProcs, s.texts.limit(limitProcs, float64(s.about.GOMAXPROCS)))
	}
}

// limitOf takes the number of Ps from an event of a stop of the world.
func (s *subject) limitOf(ring int, e *event) {
	if o := gobin.Op(e.op); (o != gobin.OpSTWBegin && o != gobin.OpSTWEnd) || e.proc <= 0 {
		return
	}
	s.firstProcs(e.proc, e.time)
	l := s.limit(e.time, limitProcs, float64(e.proc))
	s.in.order.push(ring, &l)
}

// firstProcs takes the first that is known of GOMAXPROCS of a process that was only being started
// when recording began: what held at the earliest time. Events of different CPUs do not come in
// order, and what is read from memory may have changed before. The segments' metadata, which the
// writer has, stays as it was.
func (s *subject) firstProcs(n int32, at int64) {
	if n <= 0 || s.limits.known && at >= s.limits.since {
		return
	}
	s.limits.known, s.limits.since = true, at
	s.about.GOMAXPROCS = int(n)
}

func (s *subject) limit(at int64, name uint8, value float64) event {
	return event{
		op: opLimit, subject: s.number, time: at, reason: name, text: uint32(s.texts.limit(name, value)),
	}
}

// readLimits reads what no event tells, if it is time to. Their time is from before the reading:
// what a stop of the world says later holds.
func (s *subject) readLimits(at int64) {
	every := limitsEvery
	if s.in.governing.resting() {
		every = limitsAtRest
	}
	due := at-s.limits.read >= int64(every)
	if s.limits.exact && !s.limits.known {
		s.firstProcs(int32(s.gomaxprocs()), at)
	} else if due && !s.limits.exact || !s.limits.known {
		began := now()
		if n := s.gomaxprocs(); n > 0 {
			s.firstProcs(int32(n), began)
			s.own(s.limit(began, limitProcs, float64(n)))
		}
	}
	if !due {
		return
	}
	s.limits.read = at
	if s.limits.quota == nil {
		return
	}
	began := now()
	if quota, err := s.limits.quota.Read(); err == nil { // else the process has ended
		s.own(s.limit(began, limitQuota, quota))
		s.limits.stops.take(s.limits.quota.Throttling())
	}
}

// endLimits reads what was counted until the recording ended. Of a process that ended before, what was
// read last holds.
func (s *subject) endLimits() {
	l := &s.limits
	l.stops.ended = true
	if s.endNS != 0 || l.quota == nil {
		return
	}
	if _, err := l.quota.Read(); err == nil {
		l.stops.take(l.quota.Throttling())
	}
}

// gomaxprocs reads how many Ps the process has; 0 where that cannot be told, as before its first
// instruction.
func (s *subject) gomaxprocs() int {
	addr, ok := s.binary.GOMAXPROCSAddr()
	if !ok {
		return 0
	}
	buf := make([]byte, 4)
	if _, err := s.proc.ReadAt(buf, int64(addr+s.bias)); err != nil {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(buf)))
}

// holds says that a limit holds already, and needs no row.
func (f *follower) holds(name uint8, limit format.StringID) { f.limits[name] = limit }

// limit writes a limit that another one held before.
func (f *follower) limit(e *event) {
	id := format.StringID(e.text)
	if f.limits[e.reason] == id {
		return
	}
	f.limits[e.reason] = id
	w := format.NoEvent
	w.TimeNS, w.Kind, w.Reason = e.time, format.KindLimit, id
	f.write(&w)
}
