package gobin

import (
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/insn"
	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// The keys of what gopark leaves in the m, one behind the other (go1.18–1.27 src/runtime/runtime2.go).
const (
	waitUnlockKey = "m.waitunlockf"
	waitLockKey   = "m.waitlock"
)

// waitLock is the offset of m.waitlock. It moved inside minor versions, so that the table does not
// know it of each; then the code of gopark says it. Where the set knows it, the code must agree.
func (b *Binary) waitLock(s offsets.Set) int32 {
	c, err := b.decode("runtime.gopark")
	if err != nil {
		return Unknown
	}
	known, stored := s[waitLockKey], b.parkedLock(c)
	touched := func(insn.Insn) bool { return true }
	switch {
	case known <= 0:
		return int32(stored)
	case stored != Unknown && stored != known, !c.uses(known, touched) && !c.uses(s[waitUnlockKey], touched):
		return Unknown
	}
	return int32(known)
}

// parkStores are how a processor's code begins that stores gopark's first and second argument, which
// become m.waitunlockf and m.waitlock.
var parkStores = map[insn.Arch]struct{ first, second, both string }{
	insn.AMD64: {first: "MOVQ AX, ", second: "MOVQ BX, "},
	insn.ARM64: {first: "MOVD R0, ", second: "MOVD R1, ", both: "STP (R0, R1), ("},
}

// parkedLock is where gopark, whose code c is, stores its second argument behind its first, beyond
// the first fields of an m: Unknown where it does not do that, as in builds without optimizations.
func (b *Binary) parkedLock(c code) int64 {
	stores := parkStores[b.isa]
	first := map[int64]bool{}
	for _, i := range c.insns {
		if i.Store && i.Base != insn.SP && strings.HasPrefix(i.String(), stores.first) {
			first[i.Disp] = true
		}
	}
	for n, i := range c.insns {
		at := i.Disp
		if n > 0 && stores.both != "" && strings.HasPrefix(i.String(), stores.both) && i.Disp == 0 {
			at = c.insns[n-1].Disp + wordBytes // of the address that was just made
		} else if !i.Store || !strings.HasPrefix(i.String(), stores.second) || !first[at-wordBytes] {
			continue
		}
		if i.Base != insn.SP && at > b.set["m.id"] {
			return at
		}
	}
	return Unknown
}

const wordBytes = 8
