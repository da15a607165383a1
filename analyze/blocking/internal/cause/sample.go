package cause

import "github.com/gosched/gosched/format"

// Sampled is code that was seen to run, at a stack, in a stretch of which else only the end is known:
// until is the cause that stands for it. An equal one is of the same until.
func (n *Table) Sampled(until ID, stack format.StringID) ID {
	return n.intern(Key{Kind: n.list[until].Kind, Where: uint32(stack), What: uint32(until)})
}

// Until is the cause that a sampled one is a part of; false where id is no such.
func (n *Table) Until(id ID) (ID, bool) {
	k := &n.list[id].Key
	if k.Kind != Running && k.Kind != Queued || k.Where == 0 || k.What == 0 {
		return 0, false
	}
	return ID(k.What), true
}

// WithLeaf is the same waits for another cause.
func (n *Table) WithLeaf(id, leaf ID) ID {
	if n.list[id].Kind != Wait {
		return leaf
	}
	elided := n.list[id].Elided
	out := n.Wait(Site(n.list[id].Where), n.WithLeaf(n.list[id].Tail, leaf))
	n.list[out].Elided = n.list[out].Elided || elided
	return out
}
