package referee

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/exp/trace"

	"github.com/gosched/gosched/format"
)

// ReadGoTrace reads a trace of Go's own tracer, of any version, with the tracer's ways of saying
// things translated.
func ReadGoTrace(r io.Reader) (*Recording, error) {
	buffered := bufio.NewReader(r)
	header, err := buffered.Peek(len("go 1.22"))
	if err != nil {
		return nil, fmt.Errorf("read Go trace: %w", err)
	}
	version := string(header) // a copy: the header is valid until the next read
	reader, err := trace.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("read Go trace: %w", err)
	}
	g := goTrace{rec: newRecording(), stacks: map[trace.Stack]Stack{}}
	g.rec.Format = version
	for {
		ev, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read Go trace: %w", err)
		}
		g.event(&ev)
	}
	if !g.begun {
		return nil, fmt.Errorf("read Go trace: it does not say when it was started")
	}
	for id, moves := range g.rec.Moves {
		g.rec.Moves[id] = g.normalize(moves)
	}
	if g.rec.V1() {
		dropStop(g.rec)
		mergeSyscallExits(g.rec)
	}
	return g.rec, nil
}

type goTrace struct {
	rec    *Recording
	stacks map[trace.Stack]Stack
	begun  bool
	last   [2]position // the two latest moves, the latest last
}

// position is where a move is in a Recording, and what else was true of its event.
type position struct {
	goid   format.GoID
	index  int
	time   trace.Time
	thread trace.ThreadID
	stack  bool // the event had a stack
}

func (g *goTrace) event(ev *trace.Event) {
	switch ev.Kind() {
	case trace.EventSync:
		if !g.begun && g.rec.V1() {
			g.rec.Begin, g.begun = int64(ev.Time()), true
		}
	case trace.EventRangeBegin:
		g.rangeBegin(ev)
	case trace.EventRangeEnd:
		if both(ev.Range().Name) {
			g.rangeEnd(ev)
		}
	case trace.EventStateTransition:
		if st := ev.StateTransition(); st.Resource.Kind == trace.ResourceGoroutine {
			g.move(ev, &st)
		}
	}
}

func (g *goTrace) rangeBegin(ev *trace.Event) {
	name := ev.Range().Name
	if !g.begun && name == startName {
		g.rec.Begin, g.begun = int64(ev.Time()), true
	}
	if both(name) {
		g.rec.Ranges = append(g.rec.Ranges, Range{Name: name, From: int64(ev.Time())})
	}
	if name == "GC mark assist" {
		g.rec.Assists++
	}
}

// rangeEnd ends the latest range of that name: no two of a name overlap.
func (g *goTrace) rangeEnd(ev *trace.Event) {
	name := ev.Range().Name
	for i := len(g.rec.Ranges) - 1; i >= 0; i-- {
		if r := &g.rec.Ranges[i]; r.Name == name && r.To == 0 {
			r.To = int64(ev.Time())
			return
		}
	}
}

var goStates = map[trace.GoState]format.State{
	trace.GoNotExist: format.StateNotExist,
	trace.GoRunnable: format.StateRunnable,
	trace.GoRunning:  format.StateRunning,
	trace.GoSyscall:  format.StateSyscall,
	trace.GoWaiting:  format.StateWaiting,
}

func (g *goTrace) move(ev *trace.Event, st *trace.StateTransition) {
	from, to := st.Goroutine()
	if from == trace.GoUndetermined || from == to {
		g.rec.Differences[StatusEvents]++
		return
	}
	goid := format.GoID(st.Resource.Goroutine())
	m := Move{
		TimeNS: int64(ev.Time()),
		From:   goStates[from],
		To:     goStates[to],
		Reason: st.Reason,
		Stack:  g.stack(st.Stack),
		thread: int64(ev.Thread()),
		proc:   int64(ev.Proc()),
	}
	if hasCause(m.kind()) {
		if by := ev.Goroutine(); by != trace.NoGoroutine {
			m.By = format.GoID(by)
		}
		m.ByStack = g.stack(ev.Stack())
	}
	g.rec.End = max(g.rec.End, m.TimeNS)
	g.rec.Moves[goid] = append(g.rec.Moves[goid], m)
	p := position{goid, len(g.rec.Moves[goid]) - 1, ev.Time(), ev.Thread(), ev.Stack() != trace.NoStack}
	if g.isSwitch(p) {
		g.mergeSwitch()
		g.last = [2]position{}
		return
	}
	g.last = [2]position{g.last[1], p}
}

// isSwitch reports whether p is the last of the three moves that the reader makes of one GoSwitch
// event: they come one nanosecond apart on one thread, and none of them has a stack, which an
// ordinary unblocking by a goroutine has.
func (g *goTrace) isSwitch(p position) bool {
	woken, left := g.last[0], g.last[1]
	if woken.goid == 0 || left.goid == 0 || woken.stack || left.stack {
		return false
	}
	if woken.time+1 != left.time || left.time+1 != p.time || woken.thread != p.thread || left.thread != p.thread {
		return false
	}
	w, l, r := g.at(woken), g.at(left), g.at(p)
	return woken.goid == p.goid && w.kind() == ready && w.By == left.goid && r.kind() == run &&
		l.From == format.StateRunning && (l.kind() == park && l.Reason == "" || l.To == format.StateNotExist)
}

func (g *goTrace) at(p position) *Move { return &g.rec.Moves[p.goid][p.index] }

// mergeSwitch makes waiting→running of the waiting→runnable→running of the goroutine that was
// switched to.
func (g *goTrace) mergeSwitch() {
	woken := g.last[0]
	moves := g.rec.Moves[woken.goid]
	moves[woken.index].To = format.StateRunning
	g.rec.Moves[woken.goid] = moves[:woken.index+1]
	g.rec.Differences[CoroutineSwitch]++
}

func (g *goTrace) stack(s trace.Stack) Stack {
	if s == trace.NoStack {
		return nil
	}
	if known, ok := g.stacks[s]; ok {
		return known
	}
	var frames Stack
	for f := range s.Frames() {
		frames = append(frames, Frame{Func: f.Func, Line: int(f.Line)})
	}
	slices.Reverse(frames)
	g.stacks[s] = frames
	return frames
}

// normalize translates what can be seen in the moves of one goroutine.
func (g *goTrace) normalize(moves []Move) []Move {
	out := moves[:0]
	for i := 0; i < len(moves); i++ {
		m := moves[i]
		if i+1 < len(moves) {
			next := &moves[i+1]
			if foundOwnP(&m, next) {
				g.rec.Differences[OwnPAfterLoss]++
				m.To = format.StateRunning
				out = append(out, m)
				i++
				continue
			}
			if isResize(&m, next) {
				g.rec.Differences[ResizeSchedules]++
				i++
				continue
			}
		}
		out = append(out, m)
	}
	return out
}

// foundOwnP reports whether a goroutine that lost its P in a system call took one itself and ran
// on.
func foundOwnP(m, next *Move) bool {
	return m.kind() == syscallLost && m.proc != int64(trace.NoProc) &&
		next.kind() == run && next.thread == m.thread
}

// isResize reports whether a goroutine seemed to yield while it started the world again.
func isResize(m, next *Move) bool {
	if m.kind() != yield || m.Reason != format.ReasonGosched.String() || next.kind() != run || next.thread != m.thread {
		return false
	}
	for _, f := range m.Stack {
		if strings.HasPrefix(f.Func, "runtime.startTheWorld") || f.Func == "runtime.procresize" {
			return true
		}
	}
	return false
}
