package blocking

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// maxWays bounds the chains in a Result.
const maxWays = 50

// Way is blocked time that went one way, as a person tells ways apart: by reasons and functions.
type Way struct {
	NS    int64   `json:"ns"`
	Share float64 `json:"share"` // of all blocked time
	Count int64   `json:"count"` // waits and delays, those of idle goroutines too
	// from where goroutines were blocked to what they waited for in the end; none: the cause delayed
	// them directly
	Steps   []Step `json:"steps"`
	Kind    Kind   `json:"kind"` // of the root cause, as in Cause
	Name    string `json:"name"`
	Own     bool   `json:"own,omitempty"`
	Syscall string `json:"syscall,omitempty"`
	Frame   string `json:"frame,omitempty"`
}

// ways are the chains of all processes, the heaviest first, and how many more there are. Equal ones
// are one, with the stacks of the heaviest.
func (p *Pass) ways(blocked int64) (out []Way, more int) {
	keys := wayKeys{places: map[*Place]uint32{}, leaves: map[*Leaf]uint32{}, names: map[string]uint32{}}
	byKey := map[string]int{}
	chains := slices.DeleteFunc(p.Chains(), func(c Chain) bool { return c.NS == 0 }) // only idle goroutines waited
	slices.SortStableFunc(chains, func(a, b Chain) int { return cmp.Compare(b.NS, a.NS) })
	out = []Way{}
	for i := range chains {
		c := &chains[i]
		if c.NS == 0 { // of goroutines that waited for work
			continue
		}
		key := keys.of(c)
		at, ok := byKey[string(key)]
		if !ok {
			byKey[string(key)] = len(out)
			out = append(out, c.way())
			continue
		}
		out[at].NS += c.NS
		out[at].Count += c.Count
	}
	slices.SortStableFunc(out, func(a, b Way) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(len(b.Steps), len(a.Steps)))
	})
	for i := range out {
		out[i].Share = shareOf(out[i].NS, blocked)
	}
	n := min(len(out), maxWays)
	return out[:n:n], len(out) - n
}

// wayKeys makes keys of chains, the same for those that a person does not tell apart.
type wayKeys struct {
	places map[*Place]uint32
	leaves map[*Leaf]uint32
	names  map[string]uint32
	buffer []byte
}

// of is the key of a chain, valid until the next call.
func (k *wayKeys) of(c *Chain) []byte {
	k.buffer = k.buffer[:0]
	for _, at := range c.Waits {
		id, ok := k.places[at]
		if !ok {
			id = k.name(at.Reason + "\x00" + stack.Function(stack.Culprit(at.Stack)))
			k.places[at] = id
		}
		k.buffer = binary.LittleEndian.AppendUint32(k.buffer, id)
	}
	id, ok := k.leaves[c.Cause]
	if !ok {
		id = k.name(c.Cause.Kind.String() + "\x00" + c.Cause.Name + "\x00" + c.Cause.Syscall)
		k.leaves[c.Cause] = id
	}
	return binary.LittleEndian.AppendUint32(k.buffer, id)
}

func (k *wayKeys) name(text string) uint32 {
	id, ok := k.names[text]
	if !ok {
		id = uint32(len(k.names))
		k.names[text] = id
	}
	return id
}

func (c *Chain) way() Way {
	w := Way{NS: c.NS, Count: c.Count, Steps: []Step{}, Kind: c.Cause.Kind, Name: c.Cause.Name, Own: c.Cause.Own,
		Syscall: c.Cause.Syscall, Frame: c.Cause.Frame}
	for _, at := range c.Waits {
		w.Steps = append(w.Steps, Step{Reason: at.Reason, Frame: stack.Culprit(at.Stack), Stack: at.Stack})
	}
	if n := len(w.Steps); n > 0 && c.Elided {
		w.Steps[n-1].Elided = true
	}
	return w
}

// cause is what is printed of the root cause.
func (w *Way) cause() *Cause {
	return &Cause{Kind: w.Kind, Name: w.Name, Own: w.Own, Syscall: w.Syscall, Frame: w.Frame}
}

// chainTable shows the heaviest chains: of each where goroutines were blocked, and below it what
// they waited for, down to the root cause.
func (r *Result) chainTable() report.Table {
	t := report.Table{Title: "Heaviest wait chains", More: r.moreWays,
		Columns: []string{"#", "blocked", "share", "chain", "function", "at"}, Spare: []string{"at"}}
	for i := range r.Chains {
		rows := r.Chains[i].rows(i + 1)
		if i < briefChains {
			t.Brief += len(rows)
		}
		t.Rows = append(t.Rows, rows...)
	}
	return t
}

// rows are the steps of a chain, the direct wait first.
func (w *Way) rows(number int) [][]report.Cell {
	var rows [][]report.Cell
	add := func(text, function, frame string) {
		lead := []report.Cell{{}, {}, {}}
		if len(rows) == 0 {
			lead = []report.Cell{report.Count(int64(number)), report.Duration(w.NS), report.Share(w.Share)}
		}
		rows = append(rows, append(lead, report.Text(text), report.Function(function),
			report.Text(stack.Position(frame))))
	}
	before := "blocked in "
	for _, s := range w.Steps {
		add(before+s.Reason, stack.Function(s.Frame), s.Frame)
		if before = "waiting for one blocked in "; s.Elided {
			add("… (waits left out)", "", "")
		}
	}
	c := w.cause()
	if len(w.Steps) == 0 {
		add("delayed directly: "+c.label(), c.function(), c.Frame)
		return rows
	}
	add("waiting for "+c.clause(), c.function(), c.Frame)
	return rows
}
