package pcln

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// This file looks through whole parts of the table once, in the order of the file, where looking at
// functions one by one would take a second for an executable of some hundred megabytes.

// Offsets is a set of offsets of the name table.
type Offsets struct {
	exact  map[uint32]struct{}
	filter [1 << 10]uint64 // a bit a hash: almost all questions are about what is not in the set
}

// NewOffsets makes a set of the keys.
func NewOffsets[V any](of map[uint32]V) *Offsets {
	s := &Offsets{exact: make(map[uint32]struct{}, len(of))}
	for off := range of {
		s.exact[off] = struct{}{}
		h := hash(off)
		s.filter[h>>6] |= 1 << (h & 63)
	}
	return s
}

func hash(off uint32) uint32 { return off * 0x9e3779b1 >> 16 }

// Has says whether off is in the set.
func (s *Offsets) Has(off uint32) bool {
	h := hash(off)
	if s.filter[h>>6]>>(h&63)&1 == 0 {
		return false
	}
	_, ok := s.exact[off]
	return ok
}

// Names returns those of the table's names that want says yes to, by their offset. A name may be
// there twice.
func (t *Table) Names(want func(name []byte) bool) map[uint32]string {
	names := map[uint32]string{}
	t.w.Scan(t.names, t.afterNames(), func(at uint64, b []byte, _ bool) int {
		done := 0
		for {
			n := bytes.IndexByte(b[done:], 0)
			if n < 0 {
				return done
			}
			if name := b[done : done+n]; want(name) {
				names[uint32(at-t.names)+uint32(done)] = string(name)
			}
			done += n + 1
		}
	})
	return names
}

// afterNames is where the part of the table after the names begins.
func (t *Table) afterNames() uint64 {
	end := t.w.Size
	for _, part := range []uint64{t.units, t.files, t.pcs, t.functions} {
		if part > t.names {
			end = min(end, part)
		}
	}
	return end
}

// NoTree is the offset of the inline tree of a function without one.
const NoTree = 1<<32 - 1

// maxRecord is more than what a function's record has up to the offset of its inline tree.
const maxRecord = 160

// Each calls visit with all functions, the offsets of their names, and those of their inline trees.
func (t *Table) Each(visit func(f Func, name, tree uint32)) {
	entries, records := t.w.Stream(), t.w.Stream()
	le := binary.LittleEndian
	for i := range t.Funcs {
		b := entries.At(t.functions+i*8, 12)
		if len(b) < 12 {
			return
		}
		entry, rec, end := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])
		f := Func{int(i), t.Text + uint64(entry), t.Text + uint64(end), t.functions + uint64(rec)}
		r := records.At(f.rec, maxRecord)
		if name, tree, ok := t.parseRecord(r); ok && end >= entry {
			visit(f, name, tree)
		}
	}
}

// parseRecord reads a function's record, or as much of it as the table has.
func (t *Table) parseRecord(r []byte) (name, tree uint32, ok bool) {
	word := func(at int64) (uint32, bool) {
		if at < 0 || at+4 > int64(len(r)) {
			return 0, false
		}
		return binary.LittleEndian.Uint32(r[at:]), true
	}
	name, ok = word(t.f.NameOff)
	n, ok1 := word(t.f.NPCData)
	data := uint64(t.f.NFuncData)
	if !ok1 || n > maxPCData || data >= uint64(len(r)) || r[data] <= funcdataInlTree {
		return name, NoTree, ok
	}
	if tree, ok1 = word(t.f.FuncSize + 4*int64(n) + 4*funcdataInlTree); !ok1 {
		tree = NoTree
	}
	return name, tree, ok
}

// Trees finds inline trees that name certain functions, without following what the trees mean.
type Trees struct {
	t        *Table
	of       []treeOf
	min, max uint32
	phases   [4]bool // what the offsets of names in trees leave when divided by four
}

// treeOf says whose an inline tree is. Equal trees are shared.
type treeOf struct {
	tree  uint32
	index uint32 // of the function
}

// Trees returns an empty collection of trees.
func (t *Table) Trees() *Trees {
	return &Trees{t: t, of: make([]treeOf, 0, t.Funcs), min: NoTree}
}

// Add adds the tree of a function.
func (s *Trees) Add(f Func, tree uint32) {
	if tree == NoTree {
		return
	}
	s.of = append(s.of, treeOf{tree, uint32(f.Index)})
	s.min, s.max = min(s.min, tree), max(s.max, tree)
	s.phases[(tree+uint32(s.t.f.InlName))%4] = true
}

// Naming returns the functions in whose trees one of the names may be: all where one is, and hardly
// another.
func (s *Trees) Naming(names *Offsets) []Func {
	var places []uint32
	for phase, used := range s.phases {
		if used {
			places = s.places(places, uint64(phase), names)
		}
	}
	sort.Slice(places, func(i, j int) bool { return places[i] < places[j] })
	owners := s.owners(places)
	var out []Func
	for _, o := range s.of {
		// Where the last tree ends is not known, so that it was not looked at.
		if !owners[o.tree] && o.tree != s.max {
			continue
		}
		if f, ok := s.t.At(int(o.index)); ok {
			out = append(out, f)
		}
	}
	return out
}

// places appends where between the first and the last tree one of the names' offsets is.
func (s *Trees) places(out []uint32, phase uint64, names *Offsets) []uint32 {
	if s.max <= s.min {
		return out
	}
	from := uint64(s.min)&^3 + phase
	s.t.gofunc.Scan(from, uint64(s.max), func(at uint64, b []byte, _ bool) int {
		done := 0
		for ; done+4 <= len(b); done += 4 {
			if names.Has(binary.LittleEndian.Uint32(b[done:])) {
				out = append(out, uint32(at)+uint32(done))
			}
		}
		return done
	})
	return out
}

// owners are the trees that the places belong to: each to the last that begins before it, if a name
// is there in one of its entries.
func (s *Trees) owners(places []uint32) map[uint32]bool {
	begins := make([]uint32, len(places)) // the last tree that begins between a place and the one before it
	known := make([]bool, len(places))
	for _, o := range s.of {
		i := sort.Search(len(places), func(i int) bool { return places[i] >= o.tree })
		if i < len(places) && (!known[i] || o.tree > begins[i]) {
			begins[i], known[i] = o.tree, true
		}
	}
	owners := map[uint32]bool{}
	for i, place := range places {
		if !known[i] && i > 0 {
			begins[i], known[i] = begins[i-1], known[i-1]
		}
		in := int64(place) - int64(begins[i]) - s.t.f.InlName
		if known[i] && in >= 0 && in%s.t.f.InlSize == 0 {
			owners[begins[i]] = true
		}
	}
	return owners
}
