package pcln

// Run is a stretch of code for which a pc table has one value.
type Run struct {
	Start, End uint64
	Value      int32
}

// maxSteps bounds the walk of one pc table, damaged ones included. Tables of real functions have at
// most some ten thousand steps.
const maxSteps = 1 << 17

// cursor steps through one pc table.
type cursor struct {
	t     *Table
	b     []byte // what was read ahead
	at    uint64 // offset of b in the table
	end   uint64 // where the function ends
	steps int
	run   Run // the current run
}

// table starts at the pc table of f at off.
func (t *Table) table(f Func, off uint32) cursor {
	if off == 0 {
		return cursor{run: Run{Value: -1}}
	}
	at := t.pcs + uint64(off)
	return cursor{t: t, b: t.w.At(at), at: at, end: f.End, run: Run{Start: f.Entry, End: f.Entry, Value: -1}}
}

// next goes to the next run; false at the end of the table or of the function.
func (c *cursor) next() bool {
	if c.t == nil || c.run.End >= c.end || c.steps >= maxSteps {
		return false
	}
	if len(c.b) < 16 {
		c.b = c.t.w.At(c.at)
	}
	dv, n := varint(c.b)
	if n == 0 || dv == 0 && c.steps > 0 {
		return false
	}
	dpc, m := varint(c.b[n:])
	if m == 0 || dpc == 0 {
		return false
	}
	c.b, c.at, c.steps = c.b[n+m:], c.at+uint64(n+m), c.steps+1
	c.run = Run{c.run.End, c.run.End + uint64(dpc)*uint64(c.t.Quantum), c.run.Value + int32(-(dv&1)^(dv>>1))}
	return true
}

// varint reads an unsigned number; n is 0 if b ends too early.
func varint(b []byte) (v uint32, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint32(b[0]), 1
	}
	return longVarint(b)
}

func longVarint(b []byte) (v uint32, n int) {
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
func (t *Table) value(f Func, off uint32, pc uint64) int32 {
	for c := t.table(f, off); c.next(); {
		if pc < c.run.End {
			return c.run.Value
		}
	}
	return -1
}

// field reads a 32-bit word of the function's record.
func (t *Table) field(f Func, off int64) uint32 {
	v, _ := t.w.U32(f.rec + uint64(off))
	return v
}

// SPDelta returns how far SP is below its value at the function's entry when pc is about to run.
func (t *Table) SPDelta(f Func, pc uint64) (int32, bool) {
	v := t.value(f, t.field(f, t.f.PCSP), pc)
	return v, v >= 0
}

// FrameSize returns how far SP is below its value at the function's entry at the most.
func (t *Table) FrameSize(f Func) (most int32, ok bool) {
	for c := t.table(f, t.field(f, t.f.PCSP)); c.next(); {
		most, ok = max(most, c.run.Value), true
	}
	return most, ok
}

// Line returns file and line of pc in f, or "?", 0: the runtime's funcline1.
func (t *Table) Line(f Func, pc uint64) (string, int) {
	file := t.value(f, t.field(f, t.f.PCFile), pc)
	line := t.value(f, t.field(f, t.f.PCLn), pc)
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
