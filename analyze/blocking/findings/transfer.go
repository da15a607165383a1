package findings

import (
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// transfers are the reads and writes of a process. A write that is blocked ends when the other end of
// its pipe or connection is read: so who reads there is found, where the trace does not say it.
type transfers struct {
	readers  map[code]*reader
	writers  map[code]*writer
	readerAt replay.ByID[*reader] // by stack
	writerAt replay.ByID[*writer]
	reads    [maxRecent]read // the latest
	ends     [maxRecent]end
	nReads   int // so far
	nEnds    int
}

const (
	maxRecent  = 16      // reads, and ends of blocked writes, that are compared with one another
	maxEnds    = 256     // functions that read and as many that write are told apart
	maxDoings  = 32      // things that readers do beside
	nearReadNS = 200_000 // a blocked write that ends as soon after a read may be because of it
)

// reader is code that reads, and what its goroutines do until they read there again.
type reader struct {
	code
	reads, empty int64 // empty: those that had to wait for data
	readNS       int64
	doings       map[doing]int64 // nanoseconds
}

// doing is something that a goroutine does.
type doing struct {
	state         format.State
	reason, stack format.StringID
}

// writer is code that writes.
type writer struct {
	blocked waits // waits for the poller, and system calls of minDelayNS and more
	quickNS int64 // the other system calls
	ended   int64 // of the blocked ones
	after   map[*reader]int64
}

type read struct {
	begin, end int64
	goid       format.GoID
	by         *reader
}

// end is that of a blocked write, with some of those who read near it.
type end struct {
	at   int64
	goid format.GoID
	by   *writer
	seen [4]*reader
	n    int
}

func newTransfers() transfers {
	return transfers{readers: map[code]*reader{}, writers: map[code]*writer{}}
}

// flushes says whether a stack is in a call that waits for a disk to have what was written.
func flushes(text string) bool {
	return slices.ContainsFunc([]string{"syscall.Fsync ", "syscall.fsync ", "syscall.Fdatasync ",
		"internal/poll.(*FD).Fsync "}, func(f string) bool { return strings.Contains(text, f) })
}

// transferred takes a span that may be a read or a write of data.
func (p *Pass) transferred(g *goroutine, s *replay.Span) {
	f, t := p.stackFacts(s.Stack), &p.current.transfers
	switch {
	case s.Flags&replay.EndUnseen != 0:
	case f.reads && s.State == format.StateSyscall:
		if g.reader = t.reader(p, s.Stack); g.reader != nil {
			g.reader.reads++
			g.reader.readNS += s.Len()
			t.read(read{s.Begin, s.End, s.GoID, g.reader})
		}
	case f.reads && g.reader != nil:
		g.reader.empty++
	case f.writes:
		t.wrote(t.writer(p, s.Stack), s)
	}
}

// took takes what the goroutine does that read last there.
func (r *reader) took(s *replay.Span) {
	if r == nil || s.Flags&replay.EndUnseen != 0 {
		return
	}
	d := doing{state: s.State}
	if s.State == format.StateWaiting || s.State == format.StateSyscall {
		d.reason, d.stack = s.Reason, s.Stack
	}
	if _, known := r.doings[d]; known || len(r.doings) < maxDoings {
		r.doings[d] += s.Len()
	}
}

func (t *transfers) reader(p *Pass, id format.StringID) *reader {
	at := t.readerAt.At(uint32(id))
	if *at == nil {
		c := codeOf(p.names.Stack(id))
		if t.readers[c] == nil && len(t.readers) < maxEnds {
			t.readers[c] = &reader{code: c, doings: map[doing]int64{}}
		}
		*at = t.readers[c]
	}
	return *at
}

func (t *transfers) writer(p *Pass, id format.StringID) *writer {
	at := t.writerAt.At(uint32(id))
	if *at == nil {
		c := codeOf(p.names.Stack(id))
		if t.writers[c] == nil && len(t.writers) < maxEnds {
			t.writers[c] = &writer{after: map[*reader]int64{}}
		}
		*at = t.writers[c]
	}
	return *at
}

// wrote takes a write.
func (t *transfers) wrote(w *writer, s *replay.Span) {
	switch {
	case w == nil:
		return
	case s.State == format.StateSyscall && own(s) < minDelayNS:
		w.quickNS += own(s)
		return
	}
	w.blocked.take(own(s))
	if s.Flags&replay.CensoredRight != 0 {
		return
	}
	w.ended++
	e := &t.ends[t.nEnds%maxRecent]
	t.nEnds++
	*e = end{at: s.End, goid: s.GoID, by: w}
	for i := range t.reads[:min(t.nReads, maxRecent)] {
		e.near(&t.reads[i])
	}
}

// read takes a read. The writer may have gone on before its system call was over.
func (t *transfers) read(r read) {
	t.reads[t.nReads%maxRecent] = r
	t.nReads++
	for i := range t.ends[:min(t.nEnds, maxRecent)] {
		t.ends[i].near(&r)
	}
}

// near counts a read by another goroutine that the write may have ended for.
func (e *end) near(r *read) {
	if r.goid == e.goid || e.at < r.begin || e.at > r.end+nearReadNS || e.n == len(e.seen) ||
		slices.Contains(e.seen[:e.n], r.by) {
		return
	}
	e.seen[e.n] = r.by
	e.n++
	e.by.after[r.by]++
}

// lasts says whether writes are blocked there for most of their time.
func (w *writer) lasts() bool { return w != nil && w.blocked.count > 0 && w.blocked.sumNS >= w.quickNS }

// writeCalls are the system calls that write.
var writeCalls = []string{"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg",
	"sendfile", "splice"}

// isBlockedWrite says whether a root cause is one, at a stack.
func isBlockedWrite(call, text string) bool {
	return stack.TransferOf(text).Writes() && !flushes(text) && (call == "" || slices.Contains(writeCalls, call))
}
