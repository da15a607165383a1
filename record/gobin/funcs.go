package gobin

import (
	"bytes"

	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// Func is a function of the program.
type Func struct {
	Name       string // the symbol's name, with type arguments written out where the version has them
	Entry, End uint64
}

// Func finds a function by its symbol name. Of several with that name (a function and its small ABI wrapper) it
// is the largest.
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

// each calls visit with all functions and the beginnings of their names.
func (b *Binary) each(visit func(f pcln.Func, head []byte)) {
	for i := 0; i < int(b.table.Funcs); i++ {
		f, ok := b.table.At(i)
		if !ok {
			continue
		}
		if off, ok := b.table.NameOffset(f); ok {
			visit(f, b.table.NameHead(off))
		}
	}
}

func (b *Binary) indexNames() {
	b.names = map[string]pcln.Func{}
	b.each(func(f pcln.Func, head []byte) {
		if !indexed(head) || len(b.names) > 1<<16 {
			return
		}
		name, ok := b.table.Name(f)
		if old, dup := b.names[name]; ok && (!dup || f.End-f.Entry > old.End-old.Entry) {
			b.names[name] = f
		}
	})
}

// search finds any function by name, looking at all of them.
func (b *Binary) search(name string) (pcln.Func, bool) {
	var best pcln.Func
	want := append([]byte(name), 0)
	b.each(func(f pcln.Func, head []byte) {
		short := want[:min(len(want), len(head))]
		if f.End-f.Entry <= best.End-best.Entry || !bytes.HasPrefix(head, short) {
			return
		}
		if full, ok := b.table.Name(f); ok && full == name {
			best = f
		}
	})
	return best, best.End > best.Entry
}
