package pcln

// maxDepth bounds how many calls may be inlined into one another, in damaged tables too.
const maxDepth = 200

// Call is one logical call at a pc: a function of its own, or one that was inlined.
type Call struct {
	NameOff uint32
	ID      uint8
	PC      uint64 // where its file and line are looked up
	Inlined bool
	node    int32
}

// node reads entry i of the inline tree at tree.
func (t *Table) node(tree uint64, i int32) (nameOff, parentPC uint32, id uint8, ok bool) {
	at := tree + uint64(i)*uint64(t.f.InlSize)
	nameOff, ok1 := t.gofunc.U32(at + uint64(t.f.InlName))
	parentPC, ok2 := t.gofunc.U32(at + uint64(t.f.InlParentPC))
	b := t.gofunc.At(at + uint64(t.f.InlFuncID))
	if !ok1 || !ok2 || len(b) == 0 {
		return 0, 0, 0, false
	}
	return nameOff, parentPC, b[0], true
}

// Calls returns the calls that are active when f executes pc, innermost first; the last is f
// itself.
func (t *Table) Calls(f Func, pc uint64) []Call {
	var out []Call
	if tree, ok := t.inlTree(f); ok {
		index := t.pcdata(f, pcdataInlTreeIndex)
		for len(out) < maxDepth {
			i := t.value(f, index, pc)
			if i < 0 {
				break
			}
			name, parent, id, ok := t.node(tree, i)
			if !ok {
				break
			}
			out = append(out, Call{name, id, pc, true, i})
			pc = f.Entry + uint64(parent)
		}
	}
	name, _ := t.NameOffset(f)
	return append(out, Call{NameOff: name, ID: t.FuncID(f), PC: pc, node: -1})
}

// Inlined calls visit for every stretch of f that stems from an inlined call, and each call it is
// in, innermost first. It returns how much work that was, in steps.
func (t *Table) Inlined(f Func, visit func(r Run, c Call)) int {
	tree, ok := t.inlTree(f)
	if !ok {
		return 1
	}
	w := chains{t: t, f: f, tree: tree, calls: map[int32]Call{}, parents: map[int32]int32{}, steps: 1}
	for c := t.table(f, t.pcdata(f, pcdataInlTreeIndex)); c.next() && w.steps < maxSteps; {
		w.visit(c.run, visit)
	}
	return w.steps
}

// chains follows inlined calls to those that they were inlined into, each of them once.
type chains struct {
	t       *Table
	f       Func
	tree    uint64
	calls   map[int32]Call
	parents map[int32]int32
	steps   int
}

// visit visits the inlined calls that a run is in.
func (w *chains) visit(r Run, visit func(r Run, c Call)) {
	w.steps++
	i := r.Value
	for depth := 0; depth < maxDepth && i >= 0; depth++ {
		if _, ok := w.calls[i]; !ok && !w.resolve(i, r.Start) {
			return
		}
		w.steps++
		visit(r, w.calls[i])
		i = w.parents[i]
	}
}

// resolve reads node i of the tree and finds the node that it was inlined into.
func (w *chains) resolve(i int32, pc uint64) bool {
	name, parent, id, ok := w.t.node(w.tree, i)
	if !ok {
		return false
	}
	w.calls[i] = Call{name, id, pc, true, i}
	w.parents[i] = -1
	for c := w.t.table(w.f, w.t.pcdata(w.f, pcdataInlTreeIndex)); c.next(); {
		w.steps++
		if w.f.Entry+uint64(parent) < c.run.End {
			w.parents[i] = c.run.Value
			break
		}
	}
	return true
}

// Node returns the number of the inlined call in its function's tree: one copy has one number.
func (c Call) Node() int32 { return c.node }

// Wrapper says whether the call is of a function that the compiler made and tracebacks leave out
// when it calls a function with the id callee (src/runtime/traceback.go, elideWrapperCalling,
// go1.18 to go1.27).
func (t *Table) Wrapper(c Call, callee uint8) bool {
	id := int64(callee)
	return int64(c.ID) == t.f.IDWrapper && id != t.f.IDGopanic && id != t.f.IDSigpanic && id != t.f.IDPanicwrap
}

// StartLine returns the line of the func keyword of a call's function, since go1.20.
func (t *Table) StartLine(f Func, c Call) int64 {
	if tree, ok := t.inlTree(f); ok && c.Inlined {
		line, _ := t.gofunc.U32(tree + uint64(c.node)*uint64(t.f.InlSize) + uint64(t.f.InlParentPC) + 4)
		return int64(line)
	}
	return int64(t.field(f, t.f.CUOffset+4))
}
