package replay

import (
	"strings"

	"github.com/gosched/gosched/analyze/replay/internal/delay"
	"github.com/gosched/gosched/format"
)

// Names resolves the ids in spans: entry functions, reasons and stacks.
type Names struct {
	reasons, stacks *format.Strings
	entries         []string
	byName          map[string]EntryID
	byStack         ByID[EntryID]
	whys            ByID[Why]
	stopped         ByID[stopFact]
	over            ByID[overness]
	cpus            ByID[cpuFact]
}

// cpuFact is what a thread row's reason says of its CPU, and whether that has been looked at.
type cpuFact struct {
	delay.CPU
	known bool
}

// cpuOf is what a thread row's reason, which is the name of the thread that had the CPU, says of it.
func (n *Names) cpuOf(reason format.StringID) delay.CPU {
	if reason == format.NullString {
		return delay.CPUUnknown
	}
	at := n.cpus.At(uint32(reason))
	if !at.known {
		*at = cpuFact{delay.CPUTaken, true}
		if format.ParseReason(n.Reason(reason)) == format.ReasonSwapper {
			at.CPU = delay.CPUIdle
		}
	}
	return at.CPU
}

// overness says whether a stack is that of a goroutine which has returned from its entry function.
type overness uint8

const (
	overUnknown overness = iota // not looked at yet
	overNo
	overYes
)

// lastStep is what runs after a goroutine's entry function has returned. One that could not be
// preempted before is preempted as it is called (go1.18–1.27 src/runtime/proc.go, goexit1).
const lastStep = "runtime.goexit1"

// isOver says whether nothing but the runtime's last step is on a stack: it tells nothing of where
// its goroutine was.
func (n *Names) isOver(stack format.StringID) bool {
	if stack == format.NullString {
		return false
	}
	at := n.over.At(uint32(stack))
	if *at == overUnknown {
		*at = overNo
		text := n.Stack(stack)
		leaf := text[strings.LastIndexByte(text, ';')+1:]
		if rootOf(text) == lastStep && strings.HasPrefix(leaf, lastStep) {
			*at = overYes
		}
	}
	return *at == overYes
}

// unresolved is the byStack value of a stack whose root frame says nothing.
const unresolved = EntryID(1<<32 - 1)

func newNames(reasons, stacks *format.Strings) *Names {
	return &Names{reasons: reasons, stacks: stacks, entries: []string{"unknown"},
		byName: map[string]EntryID{}}
}

// Reason is the text of a reason; empty where there is none.
func (n *Names) Reason(id format.StringID) string { return n.reasons.Lookup(id) }

// Stack is the text of a stack, root first; empty where there is none.
func (n *Names) Stack(id format.StringID) string { return n.stacks.Lookup(id) }

// Entry is the name of an entry function, such as "main.worker".
func (n *Names) Entry(id EntryID) string {
	if int(id) >= len(n.entries) {
		return n.entries[UnknownEntry]
	}
	return n.entries[id]
}

// entryOf is the entry function that a stack's root frame names. A stack of depth frames or more
// may be truncated at its root; 0 is no limit.
func (n *Names) entryOf(stack format.StringID, depth int) EntryID {
	at := n.byStack.At(uint32(stack))
	if *at == UnknownEntry {
		*at = n.intern(rootFunction(n.Stack(stack), depth))
	}
	if *at == unresolved {
		return UnknownEntry
	}
	return *at
}

func (n *Names) intern(name string) EntryID {
	if name == "" {
		return unresolved
	}
	id, ok := n.byName[name]
	if !ok {
		id = EntryID(len(n.entries))
		n.entries = append(n.entries, name)
		n.byName[name] = id
	}
	return id
}

// yieldWhy says why a goroutine with this reason gave up its P.
func (n *Names) yieldWhy(reason format.StringID) Why {
	at := n.whys.At(uint32(reason))
	if *at == WhyUnknown {
		*at = WhyYielded
		if why, ok := yieldReasons[format.ParseReason(n.Reason(reason))]; ok {
			*at = why
		}
	}
	return *at
}

// rootFunction is the function of a stack's root frame, leaving runtime.goexit out; empty where the
// stack is truncated, or has depth frames or more and may therefore be.
func rootFunction(stack string, depth int) string {
	if depth > 0 && strings.Count(stack, ";")+1 >= depth {
		return ""
	}
	if name := rootOf(stack); name != format.MarkTruncated.String() && name != lastStep {
		return name
	}
	return ""
}

// rootOf is the function of a stack's root frame, leaving runtime.goexit out.
func rootOf(stack string) string {
	frame, rest := cutOutside(stack, ';')
	name, _ := cutOutside(frame, ' ')
	if name == "runtime.goexit" && rest != "" {
		frame, _ = cutOutside(rest, ';')
		name, _ = cutOutside(frame, ' ')
	}
	return name
}

// cutOutside cuts s at the first sep that is not within brackets: type arguments hold spaces and
// semicolons.
func cutOutside(s string, sep byte) (before, after string) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == sep && depth == 0:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// ByID maps small ids to values: a slice for the ids that are dense, a map for those that are not,
// so that a wild id costs one entry. The zero ByID is empty and every value in it is zero.
type ByID[T any] struct {
	dense  []T
	sparse map[uint32]*T
}

// maxDense bounds the slice of a ByID.
const maxDense = 1 << 20

// At returns the place of id's value. It is valid until the next call.
func (t *ByID[T]) At(id uint32) *T {
	if int(id) < len(t.dense) {
		return &t.dense[id]
	}
	return t.slow(id)
}

func (t *ByID[T]) slow(id uint32) *T {
	if id < maxDense {
		t.dense = append(t.dense, make([]T, min(maxDense, max(16, int(id)+1, 2*len(t.dense)))-len(t.dense))...)
		return &t.dense[id]
	}
	if t.sparse == nil {
		t.sparse = map[uint32]*T{}
	}
	if t.sparse[id] == nil {
		t.sparse[id] = new(T)
	}
	return t.sparse[id]
}

// Len is one more than the largest dense id that has a place.
func (t *ByID[T]) Len() int { return len(t.dense) }
