package pcln

// Run is a stretch of code for which a pc table has one value.
type Run struct {
	Start, End uint64
	Value      int32
}

// maxSteps bounds the walk of one pc table, damaged ones included. Tables of real functions have at most some ten thousand steps.
const maxSteps = 1 << 17

// walk calls visit with the runs of the pc table at off until visit returns false or the table ends.
func (t *Table) walk(f Func, off uint32, visit func(Run) bool) {
	if off == 0 {
		return
	}
	at := t.pcs + uint64(off)
	b := t.w.At(at)
	run := Run{Start: f.Entry, Value: -1}
	for i := 0; i < maxSteps && run.Start < f.End; i++ {
		if len(b) < 16 {
			if b = t.w.At(at); len(b) == 0 {
				return
			}
		}
		dv, n := varint(b)
		if n == 0 || (dv == 0 && i > 0) {
			return
		}
		dpc, m := varint(b[n:])
		if m == 0 || dpc == 0 {
			return
		}
		b, at = b[n+m:], at+uint64(n+m)
		run.Value += int32(-(dv & 1) ^ (dv >> 1))
		run.End = run.Start + uint64(dpc)*uint64(t.Quantum)
		if !visit(run) {
			return
		}
		run.Start = run.End
	}
}

// varint reads an unsigned number; n is 0 if b ends too early.
func varint(b []byte) (v uint32, n int) {
	for shift := 0; n < len(b) && n < 5; shift += 7 {
		c := b[n]
		n++
		v |= uint32(c&0x7f) << shift
		if c&0x80 == 0 {
			return v, n
		}
	}
	return 0, 0
}

// value looks pc up in the pc table at off. -1 means none, as in the runtime.
func (t *Table) value(f Func, off uint32, pc uint64) Run {
	found := Run{Value: -1}
	t.walk(f, off, func(r Run) bool {
		if pc < r.End {
			found = r
			return false
		}
		return true
	})
	return found
}

// field reads a 32-bit word of the function's record.
func (t *Table) field(f Func, off int64) uint32 {
	v, _ := t.w.U32(f.rec + uint64(off))
	return v
}

// SPDelta returns how far SP is below its value at the function's entry when pc is about to run.
func (t *Table) SPDelta(f Func, pc uint64) (int32, bool) {
	r := t.value(f, t.field(f, t.f.PCSP), pc)
	return r.Value, r.Value >= 0
}

// Line returns file and line of pc in f, or "?", 0: the runtime's funcline1.
func (t *Table) Line(f Func, pc uint64) (string, int) {
	file := t.value(f, t.field(f, t.f.PCFile), pc).Value
	line := t.value(f, t.field(f, t.f.PCLn), pc).Value
	if file < 0 || line < 0 {
		return "?", 0
	}
	at := uint64(t.field(f, t.f.CUOffset)) + uint64(file)
	off, ok := t.w.U32(t.units + at*4)
	if !ok || off == 1<<32-1 {
		return "?", 0
	}
	name, ok := t.w.String(t.files + uint64(off))
	if !ok {
		return "?", 0
	}
	return name, int(line)
}
