package gobin

import "github.com/gosched/gosched/record/gobin/internal/insn"

// Semaphore says where on its stack a goroutine that waits for a semaphore has the semaphore's
// address: runtime.semacquire1 keeps its first argument, which it needs again after gopark, in the
// place that its caller has for it (src/cmd/compile/abi-internal.md, go1.18–1.27).
type Semaphore struct {
	Code Func   // runtime.semacquire1, which calls gopark itself
	Slot uint32 // from its frame pointer to that place, in bytes
}

// Semaphore finds out where that is; false where the code does not confirm it, or where there are
// inlined copies of the function, whose frames are others'.
func (b *Binary) Semaphore() (Semaphore, bool) {
	const name = "runtime.semacquire1"
	f, ok := b.Func(name)
	gopark, parks := b.Func("runtime.gopark")
	c, err := b.decode(name)
	if !ok || !parks || err != nil || len(b.inlined(name)) > 0 {
		return Semaphore{}, false
	}
	calls := c.calls(gopark.Entry)
	if len(calls) != 1 {
		return Semaphore{}, false
	}
	delta, ok := b.table.SPDelta(c.fn, calls[0].Addr)
	home := int64(delta) + wordBytes // above the return address on amd64, above the caller's saved LR on arm64
	if !ok || !c.keeps(home, calls[0].Addr) {
		return Semaphore{}, false
	}
	if b.isa == insn.AMD64 {
		return Semaphore{f, 2 * wordBytes}, true // above the saved frame pointer and the return address
	}
	return Semaphore{f, uint32(home + wordBytes)}, true // the frame pointer is a word below SP
}

// keeps says whether the code stores to SP + disp before a call at addr, and loads from there after
// it: then what it stores is there during the call.
func (c code) keeps(disp int64, addr uint64) bool {
	stored, loaded := false, false
	for _, i := range c.insns {
		if i.Mem && i.Base == insn.SP && i.Disp == disp {
			stored = stored || i.Store && i.Addr < addr
			loaded = loaded || i.Load && i.Addr > addr
		}
	}
	return stored && loaded
}
