package gobin

import "github.com/gosched/gosched/record/gobin/internal/insn"

// Callback says how runtime.cgocallback, by which C calls Go, lays frames on the goroutine's stack:
// it opens one as large as its own below the call into C, has cgocallbackg called from there, and
// links neither to what is above (go1.18–1.27 src/runtime/asm_amd64.s, asm_arm64.s).
type Callback struct {
	Code   Func   // runtime.cgocallback
	Opened uint32 // how far cgocallbackg's frame record is below the record of the opened frame, in bytes
	Caller uint32 // how far that is below the frame record of who called into C
}

// Callback finds out how cgocallback lays frames; false where there is none, or in an unknown way.
func (b *Binary) Callback() (Callback, bool) {
	f, ok := b.Func("runtime.cgocallback")
	switch {
	case !ok:
		return Callback{}, false
	case b.isa == insn.AMD64:
		// 24 bytes of locals, the frame pointer and, as the return address, the pc of the call into
		// C. cgocallbackg's own record is right below: CALL pushed one half of it, the prologue the
		// other.
		return Callback{f, 24 + 16, 16}, true
	}
	// The opened frame has 48 bytes, the pc of the call into C in the lowest word and the frame
	// pointer below that. cgocallbackg's record is at the low end of its own frame, and that
	// differs in size.
	size, ok := b.callbackgFrame()
	return Callback{f, size, 48}, ok
}

// callbackgFrame is the size of the frame of the function that cgocallback calls on the goroutine's
// stack: cgocallbackg, or up to Go 1.26 the wrapper for assembly of the same name.
func (b *Binary) callbackgFrame() (uint32, bool) {
	c, err := b.decode("runtime.cgocallback")
	if err != nil {
		return 0, false
	}
	for at := range insn.Addresses(c.insns, false) {
		f, ok := b.table.Find(at)
		if !ok || f.Entry != at {
			continue
		}
		if name, ok := b.table.Name(f); !ok || name != "runtime.cgocallbackg" {
			continue
		}
		delta, ok := b.table.FrameSize(f)
		return uint32(delta), ok && delta > 0
	}
	return 0, false
}
