package keep

import (
	"maps"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
)

// maxKnown is how many goroutines are remembered at most. Where there are more all are forgotten,
// and known again from their next move on: ends that are not recorded would make them ever more.
const maxKnown = 1 << 20

// states follows the rows of a recording and knows how things stand after the last: what every
// goroutine is doing and since when, which limits hold, which ranges and gaps last.
type states struct {
	reasons, stacks *format.Strings
	processes       map[int32]*process
	lasting         []format.Event // ranges and gaps that end later
	known           int
	last            int64 // time of the last row

	running  map[format.StringID]format.StringID // stack → its entry function and that it runs
	creators map[format.StringID]format.StringID // stack → its leaf
}

// process is what is known of one.
type process struct {
	goroutines map[format.GoID]goroutine
	limits     map[string]format.Event // by name
	sampled    bool                    // only rounds are made of it: its goroutines' ends are not seen
	counting   int                     // goroutines of the round that is being read
	counted    int                     // of the one before
}

// goroutine is what is known of one.
type goroutine struct {
	since      int64 // when it came into its state, 0: not known
	by         format.GoID
	object, fd int64
	stack      format.StringID // where it was last seen
	created    format.StringID // the stack of who created it
	reason     format.StringID
	descriptor format.StringID // what fd is, of the state that it is in
	tid, proc  int32
	state      format.State
	moved      bool // it may be elsewhere than at stack
	leaf       bool // created is the go statement's frame alone
}

func newStates(reasons, stacks *format.Strings) *states {
	return &states{
		reasons: reasons, stacks: stacks, processes: map[int32]*process{},
		running: map[format.StringID]format.StringID{}, creators: map[format.StringID]format.StringID{},
	}
}

func (s *states) process(pid int32) *process {
	p, ok := s.processes[pid]
	if !ok {
		p = &process{goroutines: map[format.GoID]goroutine{}, limits: map[string]format.Event{}}
		s.processes[pid] = p
	}
	return p
}

// take takes the next rows.
func (s *states) take(b *format.Batch) {
	for i := range b.Len() {
		e := b.At(i)
		s.last = max(s.last, e.TimeNS)
		switch e.Kind {
		case format.KindGoroutine:
			s.move(&e)
		case format.KindSnapshot:
			s.found(&e)
		case format.KindDescriptor:
			s.waitsFor(&e)
		case format.KindLimit:
			if l, ok := format.ParseLimit(s.reasons.Lookup(e.Reason)); ok {
				s.process(e.PID).limits[l.Name] = e
			}
		case format.KindGap:
			s.gap(&e)
			s.lasting = append(s.lasting, e)
		case format.KindRound:
			s.sampled(e.PID)
			p := s.process(e.PID)
			p.counted, p.counting = p.counting, 0
		case format.KindRange:
			s.lasting = append(s.lasting, e)
		}
	}
	s.lasting = slices.DeleteFunc(s.lasting, func(e format.Event) bool { return e.EndNS <= s.last })
}

// move takes a transition.
func (s *states) move(e *format.Event) {
	p := s.process(e.PID)
	p.sampled, p.counting, p.counted = false, 0, 0
	g, ok := p.goroutines[e.GoID]
	if e.To == format.StateNotExist {
		if ok {
			delete(p.goroutines, e.GoID)
			s.known--
		}
		return
	}
	if !ok {
		s.room()
		s.known++
		g = goroutine{tid: format.Unknown, proc: format.Unknown}
	}
	g.state, g.since, g.reason, g.descriptor, g.object = e.To, e.TimeNS, e.Reason, format.NullString, 0
	g.tid, g.proc = e.TID, e.Proc
	switch {
	case e.From == format.StateNotExist:
		g.by, g.created, g.leaf, g.stack, g.moved = e.ByGoID, e.ByStack, false, e.Stack, false
	case e.From == format.StateRunning:
		g.object = e.Object
		if g.moved = e.Stack == format.NullString; !g.moved {
			g.stack = e.Stack
		}
	case e.To == format.StateRunning:
		g.moved = true
	}
	p.goroutines[e.GoID] = g
}

// found takes what was read from memory.
func (s *states) found(e *format.Event) {
	p := s.process(e.PID)
	if p.sampled {
		p.counting += int(max(1, e.Weight))
		return
	}
	g, ok := p.goroutines[e.GoID]
	if ok && g.state == e.To {
		return
	}
	if !ok {
		s.room()
		s.known++
	}
	p.goroutines[e.GoID] = goroutine{
		since: e.SinceNS, by: e.ByGoID, object: e.Object, stack: e.Stack, created: e.ByStack, leaf: true,
		reason: e.Reason, tid: e.TID, proc: e.Proc, state: e.To,
	}
}

func (s *states) waitsFor(e *format.Event) {
	p := s.process(e.PID)
	if g, ok := p.goroutines[e.GoID]; ok && g.state == e.To {
		g.descriptor, g.fd = e.Reason, e.Object
		p.goroutines[e.GoID] = g
	}
}

// alive is how many goroutines there are, as far as is known: of what is sampled, as many as the
// latest round that is whole stands for.
func (s *states) alive() int {
	n := s.known
	for _, p := range s.processes {
		n += p.counted
	}
	return n
}

// room makes room for one more.
func (s *states) room() {
	if s.known < maxKnown {
		return
	}
	for _, p := range s.processes {
		clear(p.goroutines)
	}
	s.known = 0
}

// gap forgets what is not known after a time in which moves may be missing.
func (s *states) gap(e *format.Event) {
	switch class := format.ParseReason(s.reasons.Lookup(e.Reason)).Unwatched(); class {
	case format.TransitionNone:
		s.forget(e.PID, func(goroutine) bool { return true })
	case format.TransitionSyscalls:
		s.forget(e.PID, func(g goroutine) bool {
			return g.state == format.StateRunning || g.state == format.StateSyscall
		})
	}
}

// sampled notes that a process's goroutines are read in rounds: what they do between is not seen.
func (s *states) sampled(pid int32) {
	if p := s.process(pid); !p.sampled {
		s.forget(pid, func(goroutine) bool { return true })
		p.sampled = true
	}
}

// forget drops goroutines of a process, or of all where none is named.
func (s *states) forget(pid int32, which func(goroutine) bool) {
	for number, p := range s.processes {
		if pid != format.Unknown && number != pid {
			continue
		}
		before := len(p.goroutines)
		maps.DeleteFunc(p.goroutines, func(_ format.GoID, g goroutine) bool { return which(g) })
		s.known -= before - len(p.goroutines)
	}
}

// drop forgets processes that are not recorded any more.
func (s *states) drop(ended func(pid int32) bool) {
	for pid, p := range s.processes {
		if ended(pid) {
			s.known -= len(p.goroutines)
			delete(s.processes, pid)
		}
	}
}

// rows are how things stand, as the first rows of a trace that begins now, and what the metadata
// says of them.
func (s *states) rows() (*format.Batch, []format.Snapshot) {
	var b format.Batch
	var told []format.Snapshot
	for _, e := range s.lasting {
		e.TimeNS = s.last
		if e.Kind == format.KindRange && e.From == format.StateNotExist {
			e.From = format.StateRunning // it goes on
		}
		b.Append(e)
	}
	for _, pid := range slices.Sorted(maps.Keys(s.processes)) {
		p := s.processes[pid]
		for _, name := range slices.Sorted(maps.Keys(p.limits)) {
			e := p.limits[name]
			e.TimeNS = s.last
			b.Append(e)
		}
		for _, id := range slices.Sorted(maps.Keys(p.goroutines)) {
			s.tell(&b, pid, id, p.goroutines[id])
		}
		if !p.sampled && s.last != 0 {
			told = append(told, format.Snapshot{
				PID: pid, BeginNS: s.last, EndNS: s.last, Goroutines: int64(len(p.goroutines)), FromMoves: true,
			})
		}
	}
	return &b, told
}

// tell appends what is known of a goroutine.
func (s *states) tell(b *format.Batch, pid int32, id format.GoID, g goroutine) {
	e := format.Event{
		TimeNS: s.last, Kind: format.KindSnapshot, PID: pid, TID: format.Unknown, CPU: format.Unknown,
		Proc: format.Unknown, GoID: id, To: g.state, Stack: g.stack, ByGoID: g.by, ByStack: g.created,
		SinceNS: g.since,
	}
	if !g.leaf {
		e.ByStack = s.creator(g.created)
	}
	switch g.state {
	case format.StateWaiting:
		e.Reason, e.Object = g.reason, g.object
	case format.StateRunning:
		e.TID, e.Proc = g.tid, g.proc
	case format.StateSyscall:
		e.TID, e.Reason = g.tid, g.reason
	}
	if g.moved || g.state == format.StateRunning {
		e.Stack = s.runs(g.stack)
	}
	b.Append(e)
	if g.descriptor == format.NullString {
		return
	}
	d := format.NoEvent
	d.TimeNS, d.Kind, d.PID, d.GoID, d.To, d.Reason, d.Object = s.last, format.KindDescriptor, pid, id, g.state,
		g.descriptor, g.fd
	if g.state == format.StateSyscall {
		d.TID = g.tid
	}
	b.Append(d)
}

// maxTexts is how many stacks are remembered with what was made of them.
const maxTexts = 1 << 16

// runs is the stack of a goroutine that is not where it was seen: its entry function, and that it
// ran.
func (s *states) runs(stack format.StringID) format.StringID {
	return remember(s.running, stack, func() format.StringID {
		root, _, _ := strings.Cut(s.stacks.Lookup(stack), ";")
		if root == "" || format.IsMark(root) {
			return format.NullString
		}
		return s.stacks.Intern(root + ";" + format.MarkRunning.String())
	})
}

// creator is the frame of the go statement: the leaf of the creator's stack.
func (s *states) creator(stack format.StringID) format.StringID {
	return remember(s.creators, stack, func() format.StringID {
		text := s.stacks.Lookup(stack)
		return s.stacks.Intern(text[strings.LastIndexByte(text, ';')+1:])
	})
}

func remember(texts map[format.StringID]format.StringID, stack format.StringID,
	of func() format.StringID,
) format.StringID {
	if stack == format.NullString {
		return stack
	}
	id, ok := texts[stack]
	if !ok {
		if len(texts) >= maxTexts {
			clear(texts)
		}
		id = of()
		texts[stack] = id
	}
	return id
}
