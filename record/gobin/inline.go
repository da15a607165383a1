package gobin

import (
	"sort"

	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// inlinedCopy is one place where a function was inlined.
type inlinedCopy struct {
	in   string // the function that it was inlined into
	fn   pcln.Func
	node int32
	runs []pcln.Run // the code that stems from it, what was inlined into it included
}

// contains says whether an instruction belongs to the copy.
func (c inlinedCopy) contains(addr uint64) bool {
	i := sort.Search(len(c.runs), func(i int) bool { return c.runs[i].End > addr })
	return i < len(c.runs) && c.runs[i].Start <= addr
}

// maxCopies bounds what is kept of a damaged or absurd file.
const maxCopies = 1 << 14

// inlined returns where the named function of the runtime was inlined, which only the inline trees
// tell.
func (b *Binary) inlined(name string) []inlinedCopy {
	b.scanOnce.Do(b.scanInlined)
	return b.copies[name]
}

// inlinedInto says whether the one function was inlined into the other.
func (b *Binary) inlinedInto(name, into string) bool {
	for _, c := range b.inlined(name) {
		if c.in == into {
			return true
		}
	}
	return false
}

// scanInlined looks through the inline trees that name functions that probes are interested in.
func (b *Binary) scanInlined() {
	b.namesOnce.Do(b.indexNames)
	b.copies = map[string][]inlinedCopy{}
	s := scan{b: b}
	for _, f := range b.watching {
		if s.steps > maxScan {
			b.scanCut = true
			return
		}
		s.fn, s.name = f, ""
		s.steps += b.table.Inlined(f, s.visit)
	}
}

// maxScan bounds the work on damaged inline trees. An executable of 100 MB needs a thousandth of
// it.
const maxScan = 1 << 28

// scan is the state of scanInlined.
type scan struct {
	b     *Binary
	fn    pcln.Func
	name  string // of fn, once needed
	kept  int
	steps int
}

// visit takes one stretch of inlined code.
func (s *scan) visit(r pcln.Run, c pcln.Call) {
	name := s.b.watchedNames[c.NameOff]
	if name == "" {
		return
	}
	if s.kept > maxCopies {
		s.b.scanCut = true
		return
	}
	if s.name == "" {
		s.name, _ = s.b.table.Name(s.fn)
	}
	list := s.b.copies[name]
	for i := range list {
		if list[i].fn.Entry == s.fn.Entry && list[i].node == c.Node() {
			list[i].runs = append(list[i].runs, r)
			return
		}
	}
	s.kept++
	s.b.copies[name] = append(list, inlinedCopy{in: s.name, fn: s.fn, node: c.Node(), runs: []pcln.Run{r}})
}
