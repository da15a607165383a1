package stacks

import (
	"encoding/binary"
	"slices"

	"github.com/gosched/gosched/format"
)

// Sample is where a thread was when it was on a CPU.
type Sample struct {
	Stack         // the first pc is that of the instruction that was to run next
	Caller uint64 // where the function of that returns to if it has no frame; 0: not known
	Kernel bool   // the thread was in the kernel
	System bool   // it was on its system stack
}

// sampled is what is known of a stack.
type sampled struct {
	id  format.StringID
	inC bool // its leaf is no Go code that is called as such: it is C
}

// maxSampled is how many stacks of samples are remembered at most; the strings of all are kept.
const maxSampled = 8 << 10

// Sampled is the string of a sample's stack, and where the thread was if not in the goroutine's own
// code.
func (t *Table) Sampled(s *Sample) (format.StringID, format.Reason) {
	pcs := t.callers(s)
	t.key = t.key[:0]
	for _, pc := range pcs {
		t.key = binary.LittleEndian.AppendUint64(t.key, pc)
	}
	known, ok := t.samples[string(t.key)]
	if !ok {
		if len(t.samples) >= maxSampled {
			clear(t.samples)
		}
		known = t.sample(pcs, s.Whole)
		t.samples[string(t.key)] = known
	}
	return t.used(known.id), s.where(known.inC)
}

// callers are the sample's pcs with the caller of a function that has no frame.
func (t *Table) callers(s *Sample) []uint64 {
	if s.Caller == 0 || len(s.PCs) == 0 || !t.code.Frameless(s.PCs[0]) {
		return s.PCs
	}
	return slices.Insert(slices.Clone(s.PCs), 1, s.Caller)
}

// sample makes the string. C code has no frames in it: what is left is who called it.
func (t *Table) sample(pcs []uint64, whole bool) sampled {
	frames := t.frames(pcs, true)
	inC := len(frames) == 0 || !t.isGo(pcs[0]) && callsC(frames[0].Func)
	if len(frames) == 0 {
		return sampled{inC: inC}
	}
	whole = whole || slices.Contains(threadRoots, frames[len(frames)-1].Func)
	id := t.intern(appendStack(frames, whole))
	t.see(id, pcs)
	if id == format.NullString {
		t.lost++
	}
	return sampled{id, inC}
}

// isGo says whether an instruction is of Go code, be it of a module whose functions are not known.
func (t *Table) isGo(pc uint64) bool {
	_, known := t.code.FuncAt(pc)
	_, unknown := t.code.Unknown(pc + 1)
	return known || unknown
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
