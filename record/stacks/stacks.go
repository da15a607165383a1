// Package stacks turns stacks, which are addresses in a process, into the strings that a trace has
// of them: function, file and line of each frame, outermost first. Each distinct stack is written
// once, and what that takes is bounded.
package stacks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/syscalls"
)

// maxStackBytes is how many bytes of distinct stacks a recording keeps; events with further ones
// have none, and are counted.
const maxStackBytes = 64 << 20

// Code tells what is at an address of the process, innermost first where calls were inlined.
type Code interface {
	StartFrame(pc uint64) (gobin.Frame, bool) // the function that a goroutine begins with
	CallFrames(ret uint64) []gobin.Frame      // the call that returns to ret
	AppendStack(dst []gobin.Frame, pcs []uint64, exact bool) []gobin.Frame
	FuncAt(pc uint64) (gobin.Func, bool)
	Frameless(pc uint64) bool // the function has no frame when pc is about to run
	// Unknown is the module of the call that returns to ret, if that is not known.
	Unknown(ret uint64) (module uint64, ok bool)
}

// Interner gives strings their ids in a table of the trace.
type Interner interface {
	Intern(string) format.StringID
}

// Stack is a stack that the kernel side has given a name.
type Stack struct {
	PCs   []uint64 // return addresses, leaf first
	Whole bool     // it goes on to where the goroutine began
}

// Table has the strings of a process's stacks. It is not safe for concurrent use.
type Table struct {
	Blame func(module uint64) // called for every use of a stack with code of a module that is not known
	Room  *Room               // shared with the tables of other processes

	code     Code
	table    Interner
	calls    Interner
	defs     map[uint64]Stack
	ids      map[uint64]format.StringID
	entries  map[uint64]format.StringID
	syscalls map[uint64]format.StringID
	creators map[uint64]format.StringID
	memory   map[string]format.StringID // stacks found in memory, by their pcs
	samples  map[string]format.StringID // stacks of samples, by their strings
	known    map[uint64]*place          // of samples
	walked   []*place                   // room for those of one sample
	key      []byte                     // room for such a key
	lost     int64
	unknown  map[format.StringID]uint64 // modules that are not known, by stacks with their code
}

// New makes a table whose stacks get their ids from table, and whose system calls get theirs from
// calls.
func New(code Code, table, calls Interner) *Table {
	return &Table{
		code: code, table: table, calls: calls, unknown: map[format.StringID]uint64{}, Blame: func(uint64) {},
		Room: NewRoom(),
		defs: map[uint64]Stack{}, ids: map[uint64]format.StringID{}, entries: map[uint64]format.StringID{},
		syscalls: map[uint64]format.StringID{}, memory: map[string]format.StringID{},
		creators: map[uint64]format.StringID{}, samples: map[string]format.StringID{},
		known: map[uint64]*place{},
	}
}

// maxUnused is how many stacks wait at most for the first event that names them, which may have
// been lost.
const maxUnused = 64 << 10

// Room is what the tables of all processes of a recording may take together.
type Room struct {
	bytes  int             // of strings
	latest format.StringID // of those that were counted
	unused int             // stacks that wait, a table
}

// NewRoom is for one table.
func NewRoom() *Room { return &Room{unused: maxUnused} }

// Share divides the room between so many tables.
func (r *Room) Share(tables int) { r.unused = maxUnused / max(tables, 1) }

// Lost is how often a stack was asked for that is not known, or had no room.
func (t *Table) Lost() int64 { return t.lost }

// Define learns what a name stands for.
func (t *Table) Define(hash uint64, def Stack) {
	if len(t.defs) >= t.Room.unused {
		clear(t.defs)
	}
	if _, known := t.ids[hash]; !known {
		t.defs[hash] = def
	}
}

// ID is the string of the stack with that name.
func (t *Table) ID(hash uint64) format.StringID {
	if hash == 0 {
		return format.NullString
	}
	id, ok := t.ids[hash]
	if !ok {
		def, ok := t.defs[hash]
		if !ok {
			t.lost++
			return format.NullString
		}
		id = t.intern(t.expand(def))
		t.see(id, def.PCs)
		t.syscalls[hash] = t.syscallOf(def)
		t.ids[hash] = id
		delete(t.defs, hash)
	}
	if id == format.NullString {
		t.lost++
	}
	return t.used(id)
}

// see remembers that a stack has code of a module that is not known.
func (t *Table) see(id format.StringID, pcs []uint64) {
	if id == format.NullString {
		return
	}
	for _, pc := range pcs {
		if module, ok := t.code.Unknown(pc); ok {
			t.unknown[id] = module
			return
		}
	}
}

// used counts an event with that stack.
func (t *Table) used(id format.StringID) format.StringID {
	if module, ok := t.unknown[id]; ok {
		t.Blame(module)
	}
	return id
}

// Entry is the function a new goroutine will begin with, as a stack of that one frame.
func (t *Table) Entry(pc uint64) format.StringID {
	if pc == 0 {
		return format.NullString
	}
	id, ok := t.entries[pc]
	if !ok {
		id = t.intern(t.start(pc))
		t.see(id, []uint64{pc + 1})
		t.entries[pc] = id
	}
	return t.used(id)
}

func (t *Table) start(pc uint64) []byte {
	f, ok := t.code.StartFrame(pc)
	if !ok {
		return nil
	}
	return appendFrames(nil, []gobin.Frame{f})
}

// Syscall is the name of the system call that the stack's leaf makes, null where it cannot be told.
func (t *Table) Syscall(hash uint64) format.StringID {
	t.ID(hash)
	return t.syscalls[hash]
}

func (t *Table) intern(stack []byte) format.StringID {
	if len(stack) == 0 || t.Room.bytes+len(stack) > maxStackBytes {
		return format.NullString
	}
	id := t.table.Intern(string(stack))
	if id > t.Room.latest { // others have been seen before, in another process of the same program
		t.Room.bytes += len(stack)
		t.Room.latest = id
	}
	return id
}

// expand writes the frames of a stack, root first.
func (t *Table) expand(def Stack) []byte {
	frames := trimLeaf(t.frames(def.PCs))
	root := slices.IndexFunc(frames, func(f gobin.Frame) bool { return f.Func == "runtime.goexit" })
	switch {
	case root > 0: // every goroutine's stack begins with it
		frames = frames[:root]
	case !def.Whole:
		return appendFrames([]byte(format.MarkTruncated.String()), frames)
	}
	return appendFrames(nil, frames)
}

// frames gives the frames of a stack, innermost first. All pcs are return addresses but those that
// a signal interrupted: the runtime makes it look as if that instruction had called asyncPreempt or
// sigpanic (go1.18–1.27 src/runtime/signal_unix.go).
func (t *Table) frames(pcs []uint64) []gobin.Frame {
	var frames []gobin.Frame
	exact, from := false, 0
	for i, pc := range pcs {
		if f, ok := t.code.FuncAt(pc - 1); ok && interrupts(f.Name) {
			frames = t.code.AppendStack(frames, pcs[from:i+1], exact)
			exact, from = true, i+1
		}
	}
	return t.code.AppendStack(frames, pcs[from:], exact)
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
func (t *Table) syscallOf(def Stack) format.StringID {
	for _, f := range t.frames(def.PCs[:min(len(def.PCs), 8)]) {
		switch {
		case f.Func == "runtime.cgocall":
			return t.calls.Intern(format.ReasonCgo.String())
		case f.Func == "runtime.notetsleepg":
			return t.calls.Intern("futex")
		case strings.HasPrefix(f.Func, "runtime.") || syscalls.General(f.Func):
			continue
		}
		if name := syscalls.Name(f.Func); name != "" {
			return t.calls.Intern(name)
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

// Found is the string of the stack of a goroutine that was read from memory.
func (t *Table) Found(left *snapshot.Stack) format.StringID {
	t.key = left.AppendKey(t.key[:0])
	id, ok := t.memory[string(t.key)]
	if !ok {
		id = t.foundNew(left)
		t.see(id, append([]uint64{left.StartPC + 1}, left.PCs...))
		t.memory[string(t.key)] = id
	}
	return t.used(id)
}

// foundNew makes the string. Of a goroutine that was running only the entry function is known.
func (t *Table) foundNew(left *snapshot.Stack) format.StringID {
	if len(left.PCs) == 0 {
		return t.intern(append(t.start(left.StartPC), ";"+format.MarkRunning.String()...))
	}
	if len(left.PCs) == 1 && left.PCs[0] == left.StartPC {
		return t.Entry(left.StartPC)
	}
	def := Stack{PCs: left.PCs, Whole: left.Whole}
	if left.HasWord && t.leafHandsOver(left.PCs[0]) {
		def.PCs = append([]uint64{left.PCs[0]}, left.PCs[2:]...)
	}
	return t.intern(t.expand(def))
}

func (t *Table) leafHandsOver(pc uint64) bool {
	f, _ := t.code.FuncAt(pc - 1)
	return slices.Contains(handsOver, f.Name)
}

// Creator is the go statement that created a goroutine, as a stack of that one frame.
func (t *Table) Creator(gopc uint64) format.StringID {
	if gopc == 0 {
		return format.NullString
	}
	id, ok := t.creators[gopc]
	if !ok {
		frames := t.code.CallFrames(gopc)
		id = t.intern(appendFrames(nil, frames[:min(1, len(frames))]))
		t.creators[gopc] = id
	}
	return id
}
