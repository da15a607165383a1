package stacks

import (
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// Sample is where a thread was when it was on a CPU.
type Sample struct {
	Stack         // the first pc is that of the instruction that was to run next
	Caller uint64 // where the function of that returns to if it has no frame; 0: not known
	Kernel bool   // the thread was in the kernel
	System bool   // it was on its system stack
}

// place is what is known of an instruction. Hardly two samples are alike, but they are made of the
// same places.
type place struct {
	text        string // its frames, outermost first; empty where it is not Go code
	begins      string // of code that only wraps other: the frame of what a goroutine that begins here runs
	inner       string // the innermost function
	outer       string // the outermost
	frameless   bool
	interrupts  bool   // its caller was interrupted, and has made no call
	ofUnknown   bool   // its module is not known
	module      uint64 // that module
	notCompiled bool   // it is not Go code
}

// maxPlaces is how many places are remembered at most.
const maxPlaces = 32 << 10

// Sampled is the string of a sample's stack, and where the thread was if not in the goroutine's own
// code. Functions that the compiler made to wrap others are left out, also where they panic. C code
// has no frames in it: what is left is who called it.
func (t *Table) Sampled(s *Sample) (format.StringID, format.Reason) {
	places := t.places(s)
	root := slices.IndexFunc(places, func(p *place) bool { return p.outer == "runtime.goexit" })
	if root > 0 { // every goroutine's stack begins with it
		places = places[:root]
	}
	leaf := slices.IndexFunc(places, func(p *place) bool { return p.text != "" })
	if leaf < 0 {
		return t.beginning(s, places)
	}
	inC := places[0].notCompiled && callsC(places[leaf].inner)
	t.key = t.key[:0]
	if root <= 0 && !s.Whole && !slices.Contains(threadRoots, places[len(places)-1].outer) {
		t.key = append(t.key, format.MarkTruncated.String()...)
	}
	for _, p := range slices.Backward(places) {
		if len(t.key) > 0 && p.text != "" {
			t.key = append(t.key, ';')
		}
		t.key = append(t.key, p.text...)
	}
	return t.sampledID(places), s.where(inC)
}

// beginning is Sampled of a stack whose places have no frames: that of a goroutine that has just begun,
// in the wrapper that the compiler made of a go statement with arguments, or of C code alone. C code
// is also all that is left of a C thread on its way into Go or out of it, where the goroutine that it
// is lent is at goexit (go1.18-1.27 src/runtime/proc.go, oneNewExtraM).
func (t *Table) beginning(s *Sample, places []*place) (format.StringID, format.Reason) {
	i := slices.IndexFunc(places, func(p *place) bool { return p.begins != "" })
	if i < 0 {
		return format.NullString, s.where(true)
	}
	t.key = append(t.key[:0], places[i].begins...)
	return t.sampledID(places), s.where(false)
}

// sampledID is the id of the string that has been made of the places.
func (t *Table) sampledID(places []*place) format.StringID {
	id, ok := t.samples[string(t.key)]
	if !ok {
		id = t.intern(t.key)
		if id != format.NullString {
			t.samples[string(t.key)] = id
		}
		for _, p := range places {
			if p.ofUnknown && id != format.NullString {
				t.unknown[id] = p.module
			}
		}
	}
	if id == format.NullString {
		t.lost++
	}
	return t.used(id)
}

// places are those of the sample's pcs, innermost first.
func (t *Table) places(s *Sample) []*place {
	t.walked = t.walked[:0]
	exact := true
	for i, pc := range s.PCs {
		if !exact {
			pc--
		}
		p := t.place(pc)
		t.walked = append(t.walked, p)
		exact = p.interrupts
		if i == 0 && p.frameless && s.Caller != 0 {
			t.walked = append(t.walked, t.place(s.Caller-1))
		}
	}
	return t.walked
}

// place is that of the instruction at pc.
func (t *Table) place(pc uint64) *place {
	p, ok := t.known[pc]
	if !ok {
		if len(t.known) >= maxPlaces {
			clear(t.known)
		}
		p = t.newPlace(pc)
		t.known[pc] = p
	}
	return p
}

func (t *Table) newPlace(pc uint64) *place {
	p := new(place)
	frames := t.code.AppendStack(nil, []uint64{pc}, true)
	p.module, p.ofUnknown = t.code.Unknown(pc + 1)
	f, compiled := t.code.FuncAt(pc)
	p.notCompiled = !compiled && !p.ofUnknown
	p.interrupts = interrupts(f.Name)
	p.frameless = t.code.Frameless(pc)
	if len(frames) > 0 {
		p.text = string(appendFrames(nil, frames))
		p.inner, p.outer = frames[0].Func, frames[len(frames)-1].Func
	} else if f, ok := t.code.StartFrame(pc); ok && compiled {
		p.begins = string(appendFrames(nil, []gobin.Frame{f}))
	}
	return p
}

// callsC says whether a function calls C. Others that end in code that is not Go's call the vDSO.
func callsC(function string) bool {
	return function == "runtime.asmcgocall" || function == "runtime.cgocall"
}

// threadRoots are what a thread's system stack begins with.
var threadRoots = []string{"runtime.mcall", "runtime.mstart", "runtime.mstart0", "runtime.mstart1", "runtime.rt0_go"}

func (s *Sample) where(inC bool) format.Reason {
	switch {
	case s.Kernel:
		return format.ReasonInKernel
	case inC:
		return format.ReasonCgo
	case s.System:
		return format.ReasonSystemStack
	}
	return format.ReasonNone
}
