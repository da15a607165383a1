package instant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Pass looks for the goroutines at an instant. Make one with New, run it with replay.Run and ask for its Result.
type Pass struct {
	atNS     int64
	names    *replay.Names
	parked   map[key]format.StringID // where each goroutine waited last, or entered a system call
	creators map[key]creator
	found    map[key]Goroutine
	unknown  map[key]bool
}

var (
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.RowPass   = (*Pass)(nil)
)

// key names a goroutine among all processes.
type key struct {
	pid  int32
	goid format.GoID
}

// creator is who created a goroutine, and where.
type creator struct {
	goid  format.GoID
	stack format.StringID
}

// New makes a pass for the instant, in nanoseconds since the Unix epoch.
func New(atNS int64) *Pass {
	return &Pass{
		atNS: atNS, parked: map[key]format.StringID{}, creators: map[key]creator{}, found: map[key]Goroutine{}, unknown: map[key]bool{},
	}
}

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true, Columns: format.Columns(format.ColByGoID, format.ColByStack)}
}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

// Rows implements replay.RowPass: it learns who created whom.
func (p *Pass) Rows(b *format.Batch) {
	for i, kind := range b.Kind {
		created := kind == format.KindGoroutine && b.From[i] == format.StateNotExist && b.TimeNS[i] <= p.atNS
		if (created || kind == format.KindSnapshot) && (b.ByGoID[i] != format.NoGoroutine || b.ByStack[i] != format.NullString) {
			p.creators[key{b.PID[i], b.GoID[i]}] = creator{b.ByGoID[i], b.ByStack[i]}
		}
	}
}

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		if s.Begin > p.atNS {
			continue
		}
		k := key{s.PID, s.GoID}
		switch {
		case !p.holds(s):
			p.before(k, s)
		case s.Flags&replay.EndUnseen != 0:
			p.unknown[k] = true
		default:
			p.found[k] = p.stand(k, s)
		}
	}
}

// holds says whether the instant is within the span: from its beginning on, and before its end unless the state went on after it.
func (p *Pass) holds(s *replay.Span) bool {
	return p.atNS < s.End || p.atNS == s.End && s.Flags&replay.CensoredRight != 0
}

// before remembers of a span that ended by the instant what later ones lack.
func (p *Pass) before(k key, s *replay.Span) {
	switch {
	case s.Flags&(replay.CensoredRight|replay.EndUnseen) != 0:
		p.unknown[k] = true // until a later span tells
		delete(p.parked, k)
	case s.Next == format.StateNotExist:
		delete(p.parked, k)
		delete(p.creators, k)
		delete(p.unknown, k)
	case s.State == format.StateWaiting || s.State == format.StateSyscall:
		p.parked[k] = s.Stack
	}
}

// stand describes a goroutine by the span that holds the instant.
func (p *Pass) stand(k key, s *replay.Span) Goroutine {
	delete(p.unknown, k)
	g := Goroutine{PID: s.PID, GoID: s.GoID, State: stateNames[s.State]}
	if s.Flags&replay.CensoredLeft == 0 {
		begin := s.Begin // the span is the walk's
		g.SinceNS = &begin
	}
	if s.State == format.StateWaiting {
		g.Reason = p.names.Reason(s.Reason)
	}
	g.seenNS = p.atNS - s.Begin
	if c, ok := p.creators[k]; ok {
		g.Creator, g.CreatedBy = c.goid, goStatement(p.names.Stack(c.stack))
	}
	if s.State != format.StateRunning {
		g.Stack, g.Elided = whole(p.names.Stack(p.stackOf(k, s)))
	}
	return g
}

func (p *Pass) stackOf(k key, s *replay.Span) format.StringID {
	if s.Stack == format.NullString && s.State == format.StateRunnable {
		return p.parked[k]
	}
	return s.Stack
}

// stateNames are the states as a crash dump calls them.
var stateNames = map[format.State]string{
	format.StateRunnable: "runnable", format.StateRunning: "running", format.StateSyscall: "syscall", format.StateWaiting: "waiting",
}

// The frames that stand for what is missing of a stack: at its root, and at the leaf of one that moved while it was read.
const (
	cutMark   = "[truncated]"
	movedMark = "[running]"
)

// whole takes the marks out of a stack, and says whether frames are missing. Of one that moved all but the entry function is.
func whole(stack string) (frames string, elided bool) {
	list := profile.Frames(stack)
	n := len(list)
	list = slices.DeleteFunc(list, func(f string) bool { return f == cutMark || f == movedMark })
	return strings.Join(list, ";"), len(list) < n
}

// goStatement is the frame of a creator's stack with the go statement.
func goStatement(stack string) string {
	for _, f := range slices.Backward(profile.Frames(stack)) {
		if f != cutMark && !strings.HasPrefix(f, "runtime.newproc") {
			return f
		}
	}
	return ""
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{Version: Version, AtNS: p.atNS, BeginNS: sum.BeginNS, EndNS: sum.EndNS, Unknown: len(p.unknown), Goroutines: []Goroutine{}}
	for _, g := range p.found {
		r.Goroutines = append(r.Goroutines, g)
	}
	slices.SortFunc(r.Goroutines, func(a, b Goroutine) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.GoID, b.GoID)) })
	return r
}
