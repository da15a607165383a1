package gobin

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/insn"
	"github.com/gosched/gosched/record/gobin/internal/offsets"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// maxFunc bounds how much code of one function is decoded. The largest that is looked at has some
// 10 KB.
const maxFunc = 1 << 18

// code is a decoded function.
type code struct {
	name  string
	fn    pcln.Func
	insns []insn.Insn
}

// decode decodes a function of the runtime. It keeps the code: the same few functions are asked for
// again and again.
func (b *Binary) decode(name string) (code, error) {
	f, ok := b.lookup(name)
	if !ok {
		return code{}, fmt.Errorf("no function %s", name)
	}
	if c, ok := b.decoded.Load(name); ok {
		return c.(code), nil
	}
	c, err := b.decodeFunc(name, f)
	if err == nil {
		b.decoded.Store(name, c)
	}
	return c, err
}

func (b *Binary) decodeFunc(name string, f pcln.Func) (code, error) {
	if f.End-f.Entry > maxFunc {
		return code{}, fmt.Errorf("function %s has %d bytes", name, f.End-f.Entry)
	}
	raw, err := b.img.Read(f.Entry, f.End-f.Entry)
	if err != nil {
		return code{}, fmt.Errorf("code of %s: %w", name, err)
	}
	return code{name, f, insn.Decode(b.isa, raw, f.Entry)}, nil
}

// at returns the index of the instruction at addr, or -1.
func (c code) at(addr uint64) int {
	for i := range c.insns {
		if c.insns[i].Addr == addr {
			return i
		}
	}
	return -1
}

// calls returns the instructions that call or jump to target.
func (c code) calls(target uint64) []insn.Insn {
	var out []insn.Insn
	for _, i := range c.insns {
		if (i.Kind == insn.Call || i.Kind == insn.Jump) && i.Target == target {
			out = append(out, i)
		}
	}
	return out
}

// uses says whether the code has an access to memory, or an address made, at base register + disp.
func (c code) uses(disp int64, want func(insn.Insn) bool) bool {
	for _, i := range c.insns {
		if i.Mem && i.Base != insn.SP && (i.Disp == disp || i.Disp+i.Pair == disp) && want(i) {
			return true
		}
	}
	return false
}

// proof is an access that at least one of the functions must contain if an offset is right.
type proof struct {
	key   string
	store bool // it must be a store
	fns   []string
}

// proofs are facts of src/runtime/proc.go, go1.18 to go1.27: casgstatus compares and swaps
// g.atomicstatus; gopark reads m.curg and stores the wait reason; execute ties g and m together;
// newproc1 fills in a new g.
var proofs = []proof{
	{"g.atomicstatus", false, []string{"runtime.casgstatus", "runtime.newproc1", "runtime.gopark"}},
	{"m.curg", false, []string{"runtime.gopark"}},
	{"m.curg", true, []string{"runtime.execute"}},
	{"g.m", true, []string{"runtime.execute"}},
	{"g.waitreason", true, []string{"runtime.gopark"}},
	{"g.gopc", true, []string{"runtime.newproc1"}},
	{"g.startpc", true, []string{"runtime.newproc1"}},
	{"g.goid", true, []string{"runtime.newproc1"}},
	{"g.parentGoid", true, []string{"runtime.newproc1"}},
}

// indispensable are the keys without a proof of which nothing is believed.
var indispensable = []string{"g.atomicstatus", "m.curg", "g.m"}

// checkOffsets compares offsets with the machine code, where a function has its own code in this
// executable.
func (b *Binary) checkOffsets(s offsets.Set) error {
	done := map[string]bool{}
	for _, p := range proofs {
		if s[p.key] == Absent {
			continue
		}
		used, found := b.proves(p, s[p.key])
		if found && !used {
			return fmt.Errorf("%s is said to be at %d, but the code of %s does not use that", p.key, s[p.key],
				strings.Join(p.fns, ", "))
		}
		done[p.key] = done[p.key] || used
	}
	for _, key := range indispensable {
		if !done[key] {
			return fmt.Errorf("no code found to check %s by", key)
		}
	}
	return b.checkStatusSwap(s["g.atomicstatus"])
}

// proves looks for the access in the functions; found says that at least one of them exists.
func (b *Binary) proves(p proof, offset int64) (used, found bool) {
	for _, fn := range p.fns {
		c, err := b.decode(fn)
		if err != nil {
			continue
		}
		found = true
		if c.uses(offset, func(i insn.Insn) bool { return i.Store || !p.store }) {
			return true, true
		}
	}
	return false, found
}

// checkStatusSwap makes sure that the status is what casgstatus swaps, where that shows in the
// instruction (amd64).
func (b *Binary) checkStatusSwap(status int64) error {
	c, err := b.decode("runtime.casgstatus")
	if err != nil || b.isa != insn.AMD64 {
		return nil
	}
	for _, i := range c.insns {
		if i.Locked && i.Mem && strings.HasPrefix(i.String(), "LOCK CMPXCHGL") {
			if i.Disp != status {
				return fmt.Errorf("g.atomicstatus is said to be at %d, but casgstatus swaps at %d", status, i.Disp)
			}
			return nil
		}
	}
	return nil // built without inlining: the swap is in a function of its own
}
