package gobin

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/insn"
	"github.com/gosched/gosched/record/gobin/internal/offsets"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// maxFunc bounds how much code of one function is decoded. The largest that is looked at has some 10 KB.
const maxFunc = 1 << 18

// code is a decoded function.
type code struct {
	name  string
	fn    pcln.Func
	insns []insn.Insn
}

// decode decodes a function of the runtime.
func (b *Binary) decode(name string) (code, error) {
	f, ok := b.lookup(name)
	if !ok {
		return code{}, fmt.Errorf("no function %s", name)
	}
	return b.decodeFunc(name, f)
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

// proof is an access that a function must contain if an offset is right. Facts of src/runtime/proc.go, go1.18 to
// go1.27: casgstatus compares and swaps g.atomicstatus, gopark reads m.curg and the status, stores the wait reason
// and, in m, what to do once parked; newproc1, execute and goexit0 use what their names say.
type proof struct {
	fn, key string
	store   bool // it must be a store
}

var proofs = []proof{
	{"runtime.casgstatus", "g.atomicstatus", false},
	{"runtime.gopark", "m.curg", false},
	{"runtime.gopark", "g.atomicstatus", false},
	{"runtime.gopark", "g.waitreason", true},
	{"runtime.execute", "g.m", true},
	{"runtime.execute", "m.curg", true},
	{"runtime.newproc1", "g.gopc", true},
	{"runtime.newproc1", "g.startpc", true},
	{"runtime.newproc1", "g.goid", true},
	{"runtime.newproc1", "g.parentGoid", true},
	{"runtime.newproc1", "g.atomicstatus", false},
}

// checkOffsets compares offsets with the machine code, where a function has its own code in this executable.
func (b *Binary) checkOffsets(s offsets.Set) error {
	done := map[string]bool{}
	for _, p := range proofs {
		c, err := b.decode(p.fn)
		if err != nil || s[p.key] == Absent {
			continue
		}
		if !c.uses(s[p.key], func(i insn.Insn) bool { return i.Store || !p.store }) {
			return fmt.Errorf("%s is said to be at %d, but the code of %s does not use that", p.key, s[p.key], p.fn)
		}
		done[p.key] = true
	}
	for _, key := range []string{"g.atomicstatus", "m.curg", "g.m"} {
		if !done[key] {
			return fmt.Errorf("no code found to check %s by", key)
		}
	}
	return b.checkStatusSwap(s["g.atomicstatus"])
}

// checkStatusSwap makes sure that the status is what casgstatus swaps, where that shows in the instruction (amd64).
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
	return fmt.Errorf("casgstatus has no compare-and-swap")
}
