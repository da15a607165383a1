package blocking

import (
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// CauseID names a cause together with the waits that lead to it. Equal ones have one id.
type CauseID = cause.ID

// Part is how long something was the cause of a goroutine's time.
type Part = cause.Part

// Various is the CauseID of many small causes taken together.
const Various = CauseID(cause.WhyVarious)

// Follow has f called for each span of a goroutine with what its time was spent on, as soon as the
// span ended: of a wait and of a delay the latest first. The parts add up to the span and are valid
// during the call. Only one follower is kept; call it before the walk.
func (p *Pass) Follow(f func(s *replay.Span, parts []Part)) { p.follow = f }

// follows hands a span in which a goroutine was on a thread to who follows. The parts are those
// that are not for id, which has the rest.
func (p *Pass) follows(s *replay.Span, id CauseID, parts []Part) {
	if p.follow == nil {
		return
	}
	rest := s.Len()
	for _, part := range parts {
		rest -= part.NS
	}
	if p.parts = append(p.parts[:0], parts...); rest > 0 {
		p.parts = append(p.parts, Part{ID: id, NS: rest})
	}
	p.follow(s, p.parts)
}

// Explanation is what a CauseID stands for.
type Explanation struct {
	Kind    Kind
	Name    string // see Cause.Name
	Syscall string // its name
	Chain   []Step // the waits that lead to it, none where the goroutine itself did it
	Frame   string // the function with file and line, where it has a stack
}

// Explain says what a CauseID stands for. It may be called during and after the walk.
func (p *Pass) Explain(id CauseID) Explanation {
	b := &blame{Pass: p}
	leaf := p.nodes.At(id).Leaf
	key := b.key(leaf)
	e := Explanation{Kind: key.kind, Name: key.name, Syscall: key.syscall, Chain: b.steps(id)}
	if hasStack(key.kind) {
		e.Frame = stack.Culprit(p.names.Stack(format.StringID(p.nodes.At(leaf).Where)))
	}
	return e
}

// Leaf is the kind of cause that an id ends with.
func (p *Pass) Leaf(id CauseID) Kind { return p.nodes.At(p.nodes.At(id).Leaf).Kind }

// Brief says it in few words, functions without their packages' paths: the first wait, and what it
// was for in the end.
func (e *Explanation) Brief() string {
	c := Cause{Kind: e.Kind, Name: e.Name, Syscall: e.Syscall}
	n := len(e.Chain)
	if n == 0 {
		return c.brief()
	}
	parts := []string{e.Chain[0].brief()}
	last := c.brief()
	if outsideKinds[e.Kind] { // it is where the last wait was
		last = e.Chain[n-1].brief()
		n--
	}
	if n > 1 {
		parts = append(parts, "…")
	}
	if n > 0 {
		parts = append(parts, last)
	}
	return strings.Join(parts, " ← ")
}

// outsideKinds end a wait from outside of the program: where the goroutine waited is all that there
// is to say.
var outsideKinds = map[Kind]bool{KindNetwork: true, KindTimer: true, KindRuntime: true}

// brief is a wait in few words.
func (s *Step) brief() string { return s.Reason + " in " + stack.Local(stack.Function(s.Frame)) }
