package gobin

import "strings"

// Frame is a call of a function, as the Go runtime prints it.
type Frame struct {
	Func string // the name as in a traceback: type arguments are "[...]"
	File string
	Line int
}

// Frames returns the calls that are active when the instruction at pc executes: inlined ones first,
// the innermost at the head, then the function itself. pc is exact: for a return address use
// CallFrames. Lines of callers are those of the calls. Functions that the compiler made to wrap
// others (method wrappers, ABI wrappers, the functions of go and defer statements with arguments)
// are left out unless they called a panicking function, as in runtime.Callers. For a pc that is in
// no Go function there are no frames.
func (b *Binary) Frames(pc uint64) []Frame {
	out, _ := b.appendFrames(nil, pc, 0)
	return out
}

// CallFrames is Frames for a return address: the calls that are active during the call that returns
// there.
func (b *Binary) CallFrames(ret uint64) []Frame { return b.Frames(ret - 1) }

// StartFrame returns the function that a goroutine runs whose first instruction is at pc: of a
// wrapper that the compiler made for a go statement with arguments the function that it calls, as
// the runtime's own tracer does (src/runtime/tracestack.go, startPCForTrace, go1.22 on; trace.go
// before).
func (b *Binary) StartFrame(pc uint64) (Frame, bool) {
	f, ok := b.table.Find(pc)
	if !ok {
		return Frame{}, false
	}
	if w, ok := b.table.Wrapped(f); ok {
		f = w
	}
	name, _ := b.table.Name(f)
	file, line := b.table.Line(f, f.Entry)
	return Frame{printed(name, b.Version.Minor), file, line}, true
}

// AppendStack appends the frames of a stack, whose pcs are return addresses, innermost first; with
// exact, the first one is a pc that is about to execute, or a function's entry. In contrast to
// Frames one by one it knows whom a wrapper called, across pcs. Unknown pcs give no frames.
func (b *Binary) AppendStack(dst []Frame, pcs []uint64, exact bool) []Frame {
	callee := uint8(0)
	for i, pc := range pcs {
		if i > 0 || !exact {
			pc--
		}
		dst, callee = b.appendFrames(dst, pc, callee)
	}
	return dst
}

// appendFrames appends the frames of an exact pc that called a function with the id callee; it
// returns the id of the outermost.
func (b *Binary) appendFrames(dst []Frame, pc uint64, callee uint8) ([]Frame, uint8) {
	f, ok := b.table.Find(pc)
	if !ok {
		return dst, 0
	}
	for _, c := range b.table.Calls(f, pc) {
		if !b.table.Wrapper(c, callee) {
			name, _ := b.table.NameAt(c.NameOff)
			file, line := b.table.Line(f, c.PC)
			dst = append(dst, Frame{printed(name, b.Version.Minor), file, line})
		}
		callee = c.ID
	}
	return dst, callee
}

// printed is a function's name as tracebacks have it (src/runtime/traceback.go,
// funcNamePiecesForPrint): what is in the outermost brackets becomes "...". Since go1.27 methods
// have type parameters of their own, so there may be two.
func printed(name string, minor int) string {
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if i < 0 || j <= i {
		return name
	}
	between, ok := "", true
	if minor >= 27 {
		between, ok = betweenBrackets(name[i+1 : j])
	}
	if !ok {
		return name
	}
	return name[:i] + "[...]" + between + name[j+1:]
}

// betweenBrackets looks for "]name[" at the outer level of what is between the first and the last
// bracket. It returns "name[...]", or nothing for a single pair of brackets; false for brackets
// that do not pair.
func betweenBrackets(s string) (string, bool) {
	depth, closed := 1, -1
	for k := 0; k < len(s); k++ {
		switch s[k] {
		case '[':
			if depth++; depth == 1 {
				return s[closed+1:k] + "[...]", true
			}
		case ']':
			if depth--; depth < 0 {
				return "", false
			} else if depth == 0 {
				closed = k
			}
		}
	}
	return "", depth == 1 && closed < 0
}
