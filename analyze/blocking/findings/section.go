package findings

import (
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// section is where goroutines wait for one another: the waits for one sort of thing in one function.
// It may be a lock or a pool, a semaphore made of a channel, or a queue for a goroutine.
type section struct {
	sectionKey
	waits    waits
	entry    replay.EntryID // of who waited last
	objects  tally          // the time of waits by what they were for, where the trace says it
	busy     union          // when somebody waited
	waiters  few            // some of those who waited
	woken    int64          // waits that a goroutine ended
	wokenNS  int64
	same     int64 // of woken, by one that was in the same function
	handed   int64 // of woken, by one that had been let through here, and had ended no wait since
	releases releases
	others   outsiders // those who ended waits and do not wait here
}

// sectionKey tells sections apart: locks by their function, other waits by their reason too.
type sectionKey struct {
	known            *blocking.Section // nil: by its waits it has to be told what it is
	function, reason string
}

func keyOf(reason, text string) sectionKey {
	known := blocking.SectionOf(reason, text)
	if known != nil {
		reason = ""
	}
	return sectionKey{known, waiter(text, known).function, reason}
}

// releases are the times at which a section was freed for somebody who waited, and how long it was
// held before.
type releases struct {
	lastNS int64 // the latest
	last   format.GoID
	lastOf map[int64]int64 // of each of the first things that goroutines waited for here, where they are known
	holds  stats.Histogram
	by     map[format.StringID]*waits // holds by the stack of who ended them
}

// maxReleasers bounds the stacks that are told apart; the holds of others are in the histogram alone.
const maxReleasers = 64

// outsiders are goroutines that end the waits in a section and do not wait there themselves. Weights
// are nanoseconds of waits.
type outsiders struct {
	sumNS int64
	entry majority // by entry function
	one   majority // by goroutine
	some  few      // of those of that entry function
}

// majority finds what has most of a weight, if anything has half of it (Boyer and Moore).
type majority struct {
	id    int64
	votes int64 // for id, less those for others
	sum   int64 // of id, since it is the candidate
}

// take counts a vote, and says whether it was for the candidate.
func (m *majority) take(id, weight int64) bool {
	switch {
	case m.id == id:
		m.votes += weight
		m.sum += weight
		return true
	case m.votes >= weight:
		m.votes -= weight
		return false
	}
	*m = majority{id, weight - m.votes, weight}
	return true
}

// few is the first of some goroutines, as many as are worth counting.
type few struct {
	ids  [8]format.GoID
	n    int
	more bool
}

func (f *few) add(id format.GoID) {
	switch {
	case slices.Contains(f.ids[:f.n], id):
	case f.n < len(f.ids):
		f.ids[f.n] = id
		f.n++
	default:
		f.more = true
	}
}

// tally is sums by number, of the first so many numbers.
type tally struct {
	sums  map[int64]int64
	allNS int64 // of the others too
}

const maxTallied = 64

func (t *tally) add(id, ns int64) {
	if t.sums == nil {
		t.sums = map[int64]int64{}
	}
	if _, ok := t.sums[id]; ok || len(t.sums) < maxTallied {
		t.sums[id] += ns
	}
	t.allNS += ns
}

// most is the largest share of one number.
func (t *tally) most() float64 {
	var most int64
	for _, ns := range t.sums {
		most = max(most, ns)
	}
	return float64(most) / float64(max(1, t.allNS))
}

// union is the length of stretches of time that may overlap, given in the order of their ends. Of
// those that lie far back a later one may be counted anew.
type union struct {
	open   []stretch // apart, the latest last
	sumNS  int64     // of those no longer open
	closed int64     // the end of the latest of these
}

type stretch struct{ begin, end int64 }

// maxOpen bounds the stretches that a later one may still join.
const maxOpen = 32

func (u *union) add(begin, end int64) {
	begin = max(begin, u.closed)
	for n := len(u.open); n > 0 && u.open[n-1].end >= begin; n = len(u.open) {
		begin, end = min(begin, u.open[n-1].begin), max(end, u.open[n-1].end)
		u.open = u.open[:n-1]
	}
	if end <= begin {
		return
	}
	if len(u.open) == maxOpen {
		u.sumNS, u.closed = u.sumNS+u.open[0].end-u.open[0].begin, u.open[0].end
		u.open = append(u.open[:0], u.open[1:]...)
	}
	u.open = append(u.open, stretch{begin, end})
}

func (u *union) ns() int64 {
	sum := u.sumNS
	for _, s := range u.open {
		sum += s.end - s.begin
	}
	return sum
}

// section is where the site's waits belong to, nil where its class says that nobody is waited for.
func (p *Pass) section(reason, text string, class replay.Class) *section {
	key, q := keyOf(reason, text), p.current
	switch class {
	case replay.ClassChannel, replay.ClassSelect, replay.ClassMutex, replay.ClassSync:
	default:
		if key.known == nil {
			return nil
		}
	}
	if q.sections[key] == nil {
		q.sections[key] = &section{sectionKey: key}
		q.inOrder = append(q.inOrder, q.sections[key])
	}
	return q.sections[key]
}

// waited takes a wait in the section that is over, or that was not when observation stopped.
func (c *section) waited(s *replay.Span) {
	c.waits.take(own(s))
	c.busy.add(s.Begin, s.End)
	c.waiters.add(s.GoID)
	c.entry = s.Entry
	if s.Object != 0 {
		c.objects.add(s.Object, own(s))
	}
}

// wokenIn takes who ended a wait in a section.
func (p *Pass) wokenIn(c *section, g *goroutine, s *replay.Span) {
	w := p.find(s.EndByGoID)
	if w == nil || c.known != nil && c.known.Freed != "" && !p.frees(c.known.Freed, s.EndByStack) {
		return
	}
	c.woken++
	c.wokenNS += own(s)
	if p.sameFunction(c, s.EndByStack) {
		c.same++
	}
	took := w.took == c
	if took {
		c.handed++
		w.took = nil
	}
	c.released(s, w, took)
	if !slices.Contains(w.in[:], c) {
		c.others.take(w, s)
	}
	g.took, g.tookNS = c, s.End
}

// sameFunction says whether a waker is in the function in which those wait whom it wakes.
func (p *Pass) sameFunction(c *section, waker format.StringID) bool {
	f := p.wakers.At(uint32(waker))
	if f.section != c {
		*f = wakerFacts{c, waiter(p.names.Stack(waker), c.known).function == c.function}
	}
	return f.same
}

// sharedNS is how near wake-ups by one goroutine are that free a lock once, for several readers.
const sharedNS = 50_000

// released takes the end of a hold, where somebody waited for it: since the release before, or since
// who ended it had been let through.
func (c *section) released(s *replay.Span, w *goroutine, took bool) {
	r := &c.releases
	from := int64(-1)
	switch one := c.known != nil && c.known.One; {
	case one && c.known.Readers && r.last == s.EndByGoID && s.End-r.lastNS < sharedNS:
		return
	case one:
		from = max(r.before(s), s.Begin)
	case took:
		from = w.tookNS
	}
	if r.note(s); from < 0 || s.End <= from {
		return
	}
	r.holds.Add(s.End - from)
	if r.by == nil {
		r.by = map[format.StringID]*waits{}
	}
	at := r.by[s.EndByStack]
	if at == nil && len(r.by) < maxReleasers {
		at = new(waits)
		r.by[s.EndByStack] = at
	}
	if at != nil {
		at.take(s.End - from)
	}
}

// before is when the thing that a goroutine waited for had been freed last.
func (r *releases) before(s *replay.Span) int64 {
	if s.Object == 0 {
		return r.lastNS
	}
	return r.lastOf[s.Object]
}

func (r *releases) note(s *replay.Span) {
	r.last, r.lastNS = s.EndByGoID, s.End
	if s.Object == 0 {
		return
	}
	if r.lastOf == nil {
		r.lastOf = map[int64]int64{}
	}
	if _, ok := r.lastOf[s.Object]; ok || len(r.lastOf) < maxTallied {
		r.lastOf[s.Object] = s.End
	}
}

func (o *outsiders) take(w *goroutine, s *replay.Span) {
	ns := max(1, own(s))
	o.sumNS += ns
	if before := o.entry.id; o.entry.take(int64(w.entry), ns) {
		if o.entry.id != before {
			o.one, o.some = majority{}, few{}
		}
		o.one.take(int64(s.EndByGoID), ns)
		o.some.add(s.EndByGoID)
	}
}

// inherit lets a new goroutine give back what its creator took by a send: a place in a group, for one.
func (g *goroutine) inherit(creator *goroutine) {
	if creator != nil && creator.took != nil && strings.HasPrefix(creator.took.reason, "chan send") {
		g.took, g.tookNS = creator.took, creator.tookNS
	}
}

// began notes that a goroutine has waited in a section.
func (g *goroutine) began(c *section) {
	if !slices.Contains(g.in[:], c) {
		copy(g.in[1:], g.in[:])
		g.in[0] = c
	}
}
