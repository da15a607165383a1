package record

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/syscalls"
)

// maxStackBytes is how many bytes of distinct stacks a recording keeps; events with further ones
// have none, and are counted.
const maxStackBytes = 64 << 20

// symbolizer tells what is at an address of the process, innermost first where calls were inlined.
type symbolizer interface {
	StartFrame(pc uint64) (gobin.Frame, bool) // the function that a goroutine begins with
	CallFrames(ret uint64) []gobin.Frame      // the call that returns to ret
	AppendStack(dst []gobin.Frame, pcs []uint64, exact bool) []gobin.Frame
	FuncAt(pc uint64) (gobin.Func, bool)
	Unknown(ret uint64) (module uint64, ok bool) // the module of the call that returns to ret, if that is not known
}

// stacks turns the names that the kernel side gives stacks into strings of the trace, each distinct
// stack once.
type stacks struct {
	code     symbolizer
	table    interner
	texts    *texts
	defs     map[uint64]stackDef
	ids      map[uint64]format.StringID
	entries  map[uint64]format.StringID
	syscalls map[uint64]format.StringID
	creators map[uint64]format.StringID
	memory   map[string]format.StringID // stacks found in memory, by their pcs
	key      []byte                     // room for such a key
	bytes    int
	lost     int64                      // events whose stack is not known
	unknown  map[format.StringID]uint64 // modules that are not known, by stacks with their code
	blame    func(module uint64)        // called for every event with such a stack
}

func newStacks(code symbolizer, table interner, t *texts) *stacks {
	return &stacks{
		code: code, table: table, texts: t, unknown: map[format.StringID]uint64{}, blame: func(uint64) {},
		defs: map[uint64]stackDef{}, ids: map[uint64]format.StringID{}, entries: map[uint64]format.StringID{},
		syscalls: map[uint64]format.StringID{}, memory: map[string]format.StringID{},
		creators: map[uint64]format.StringID{},
	}
}

// maxUnused is how many stacks wait at most for the first event that names them, which may have
// been lost.
const maxUnused = 64 << 10

// define learns what a name stands for.
func (s *stacks) define(hash uint64, def stackDef) {
	if len(s.defs) >= maxUnused {
		clear(s.defs)
	}
	if _, known := s.ids[hash]; !known {
		s.defs[hash] = def
	}
}

// id is the string of the stack with that name.
func (s *stacks) id(hash uint64) format.StringID {
	if hash == 0 {
		return format.NullString
	}
	id, ok := s.ids[hash]
	if !ok {
		def, ok := s.defs[hash]
		if !ok {
			s.lost++
			return format.NullString
		}
		id = s.intern(s.expand(def))
		s.see(id, def.pcs)
		s.syscalls[hash] = s.syscallOf(def)
		s.ids[hash] = id
		delete(s.defs, hash)
	}
	if id == format.NullString {
		s.lost++
	}
	return s.used(id)
}

// see remembers that a stack has code of a module that is not known.
func (s *stacks) see(id format.StringID, pcs []uint64) {
	if id == format.NullString {
		return
	}
	for _, pc := range pcs {
		if module, ok := s.code.Unknown(pc); ok {
			s.unknown[id] = module
			return
		}
	}
}

// used counts an event with that stack.
func (s *stacks) used(id format.StringID) format.StringID {
	if module, ok := s.unknown[id]; ok {
		s.blame(module)
	}
	return id
}

// entry is the function a new goroutine will begin with, as a stack of that one frame.
func (s *stacks) entry(pc uint64) format.StringID {
	if pc == 0 {
		return format.NullString
	}
	id, ok := s.entries[pc]
	if !ok {
		id = s.intern(s.start(pc))
		s.see(id, []uint64{pc + 1})
		s.entries[pc] = id
	}
	return s.used(id)
}

func (s *stacks) start(pc uint64) []byte {
	f, ok := s.code.StartFrame(pc)
	if !ok {
		return nil
	}
	return appendFrames(nil, []gobin.Frame{f})
}

// syscall is the name of the system call that the stack's leaf makes, null where it cannot be told.
func (s *stacks) syscall(hash uint64) format.StringID {
	s.id(hash)
	return s.syscalls[hash]
}

func (s *stacks) intern(stack []byte) format.StringID {
	if len(stack) == 0 || s.bytes+len(stack) > maxStackBytes {
		return format.NullString
	}
	s.bytes += len(stack)
	return s.table.Intern(string(stack))
}

// expand writes the frames of a stack, root first.
func (s *stacks) expand(def stackDef) []byte {
	frames := trimLeaf(s.calls(def.pcs))
	root := slices.IndexFunc(frames, func(f gobin.Frame) bool { return f.Func == "runtime.goexit" })
	switch {
	case root > 0: // every goroutine's stack begins with it
		frames = frames[:root]
	case def.kind != bpf.GoschedStackKindSTACK_WHOLE:
		return appendFrames([]byte("[truncated]"), frames)
	}
	return appendFrames(nil, frames)
}

// calls gives the frames of a stack, innermost first. All pcs are return addresses but those that a
// signal interrupted: the runtime makes it look as if that instruction had called asyncPreempt or
// sigpanic (go1.18–1.27 src/runtime/signal_unix.go).
func (s *stacks) calls(pcs []uint64) []gobin.Frame {
	var frames []gobin.Frame
	exact, from := false, 0
	for i, pc := range pcs {
		if f, ok := s.code.FuncAt(pc - 1); ok && interrupts(f.Name) {
			frames = s.code.AppendStack(frames, pcs[from:i+1], exact)
			exact, from = true, i+1
		}
	}
	return s.code.AppendStack(frames, pcs[from:], exact)
}

func interrupts(function string) bool {
	return function == "runtime.asyncPreempt" || function == "runtime.sigpanic"
}

// appendFrames writes frames that are innermost first, outermost first.
func appendFrames(out []byte, frames []gobin.Frame) []byte {
	for _, f := range slices.Backward(frames) {
		if len(out) > 0 {
			out = append(out, ';')
		}
		out = append(out, f.Func...)
		if f.File != "" {
			out = append(out, ' ')
			out = append(out, f.File...)
			out = strconv.AppendInt(append(out, ':'), int64(f.Line), 10)
		}
	}
	return out
}

// leaves are the runtime's own last steps into the scheduler, which say nothing about the
// goroutine.
var leaves = []string{"runtime.gopark", "runtime.entersyscall", "runtime.reentersyscall", "runtime.systemstack_switch"}

// trimLeaf cuts those off.
func trimLeaf(frames []gobin.Frame) []gobin.Frame {
	for len(frames) > 1 && slices.Contains(leaves, frames[0].Func) {
		frames = frames[1:]
	}
	return frames
}

// syscallOf names the call by the innermost function that is not the general way into the kernel.
func (s *stacks) syscallOf(def stackDef) format.StringID {
	for _, f := range s.calls(def.pcs[:min(len(def.pcs), 8)]) {
		switch {
		case f.Func == "runtime.cgocall":
			return s.texts.id(textCgo)
		case f.Func == "runtime.notetsleepg":
			return s.texts.id(textFutex)
		case strings.HasPrefix(f.Func, "runtime.") || syscalls.General(f.Func):
			continue
		}
		if name := syscalls.Name(f.Func); name != "" {
			return s.texts.table.Intern(name)
		}
		return format.NullString
	}
	return format.NullString
}

// handsOver are functions that leave their goroutine's stack with a frame of their own on it, so
// that the word at the saved stack pointer is not a return address.
var handsOver = []string{
	"runtime.gopark", "runtime.Gosched", "runtime.goyield", "runtime.goschedguarded", "runtime.asyncPreempt2",
	"runtime.coroswitch", "runtime.coroyield", "runtime.goexit1", "runtime.mcall",
}

// found is the stack of a goroutine that was read from memory.
func (s *stacks) found(g *snapshot.Stack) format.StringID {
	s.key = g.AppendKey(s.key[:0])
	id, ok := s.memory[string(s.key)]
	if !ok {
		id = s.foundNew(g)
		s.see(id, append([]uint64{g.StartPC + 1}, g.PCs...))
		s.memory[string(s.key)] = id
	}
	return s.used(id)
}

// foundNew makes the string. Of a goroutine that was running only the entry function is known.
func (s *stacks) foundNew(g *snapshot.Stack) format.StringID {
	if len(g.PCs) == 0 {
		return s.intern(append(s.start(g.StartPC), ";[running]"...))
	}
	if len(g.PCs) == 1 && g.PCs[0] == g.StartPC {
		return s.entry(g.StartPC)
	}
	def := stackDef{pcs: g.PCs}
	if !g.Whole {
		def.kind = bpf.GoschedStackKindSTACK_BROKEN
	}
	if g.HasWord && s.leafHandsOver(g.PCs[0]) {
		def.pcs = append([]uint64{g.PCs[0]}, g.PCs[2:]...)
	}
	return s.intern(s.expand(def))
}

func (s *stacks) leafHandsOver(pc uint64) bool {
	f, _ := s.code.FuncAt(pc - 1)
	return slices.Contains(handsOver, f.Name)
}

// creator is the go statement that created a goroutine, as a stack of that one frame.
func (s *stacks) creator(gopc uint64) format.StringID {
	if gopc == 0 {
		return format.NullString
	}
	id, ok := s.creators[gopc]
	if !ok {
		frames := s.code.CallFrames(gopc)
		id = s.intern(appendFrames(nil, frames[:min(1, len(frames))]))
		s.creators[gopc] = id
	}
	return id
}
