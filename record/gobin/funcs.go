package gobin

import (
	"bytes"
	"maps"

	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// Func is a function of the program.
type Func struct {
	Name       string // the symbol's name, with type arguments written out where the version has them
	Entry, End uint64
}

// Func finds a function by its symbol name. Of several with that name (a function and its small ABI
// wrapper) it is the largest.
func (b *Binary) Func(name string) (Func, bool) {
	f, ok := b.lookup(name)
	if !ok && !indexed([]byte(name)) {
		f, ok = b.search(name)
	}
	return Func{name, f.Entry, f.End}, ok
}

// FuncAt returns the function that pc is in.
func (b *Binary) FuncAt(pc uint64) (Func, bool) {
	f, ok := b.table.Find(pc)
	if !ok {
		return Func{}, false
	}
	name, ok := b.table.Name(f)
	return Func{name, f.Entry, f.End}, ok
}

// Frameless says whether a function has no frame on the stack when the instruction at pc is about
// to run: it is not one that has a frame, or it has not made it yet or taken it away.
func (b *Binary) Frameless(pc uint64) bool {
	f, ok := b.table.Find(pc)
	if !ok {
		return false
	}
	delta, ok := b.table.SPDelta(f, pc)
	return ok && delta == 0
}

// indexed says whether a name belongs into the index of names.
func indexed(name []byte) bool {
	return bytes.HasPrefix(name, []byte("runtime.")) || bytes.HasPrefix(name, []byte("crosscall2"))
}

// lookup finds a function of the runtime.
func (b *Binary) lookup(name string) (pcln.Func, bool) {
	b.namesOnce.Do(b.indexNames)
	f, ok := b.names[name]
	return f, ok
}

// maxNames bounds the index of a damaged file. The runtime has some five thousand names.
const maxNames = 1 << 16

// indexNames looks through all functions once, for those of the runtime and for what was inlined
// into which.
func (b *Binary) indexNames() {
	kept := 0
	names := b.table.Names(func(name []byte) bool {
		if !indexed(name) || kept == maxNames {
			return false
		}
		kept++
		return true
	})
	runtime, trees := pcln.NewOffsets(names), b.table.Trees()
	b.names = map[string]pcln.Func{}
	b.table.Each(func(f pcln.Func, name, tree uint32) {
		trees.Add(f, tree)
		if !runtime.Has(name) {
			return
		}
		if old, dup := b.names[names[name]]; !dup || f.End-f.Entry > old.End-old.Entry {
			b.names[names[name]] = f
		}
	})
	maps.DeleteFunc(names, func(_ uint32, name string) bool { return !watched[name] })
	b.watching, b.watchedNames = trees.Naming(pcln.NewOffsets(names)), names
}

// search finds any function by name, looking at all of them.
func (b *Binary) search(name string) (pcln.Func, bool) {
	var best pcln.Func
	want := pcln.NewOffsets(b.table.Names(func(have []byte) bool { return string(have) == name }))
	b.table.Each(func(f pcln.Func, off, _ uint32) {
		if want.Has(off) && f.End-f.Entry > best.End-best.Entry {
			best = f
		}
	})
	return best, best.End > best.Entry
}
