package kernel

import (
	"fmt"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
)

// gBytes is how much of a g the programs read: G_BYTES in state.h.
const gBytes = 192

// Offsets checks that this Go version's structs are as the programs take them to be.
func Offsets(l *gobin.Layout) (bpf.GoschedOffsets, error) {
	g, m := &l.G, &l.M
	o := bpf.GoschedOffsets{
		G_coroarg: small(g.CoroArg), G_coroexit: small(g.CoroExit),
		M_g0: small(m.G0), M_curg: small(m.CurG), M_p: small(m.P), M_waitlock: small(m.WaitLock),
		P_id: small(l.P.ID),
	}
	for _, f := range []struct {
		in *uint8
		at int32
	}{
		{&o.G_stackLo, g.StackLo}, {&o.G_stackHi, g.StackHi}, {&o.G_m, g.M},
		{&o.G_schedSp, g.SchedSP}, {&o.G_schedPc, g.SchedPC}, {&o.G_schedBp, g.SchedBP},
		{&o.G_goid, g.GoID}, {&o.G_schedlink, g.SchedLink}, {&o.G_waitreason, g.WaitReason},
	} {
		if f.at < 0 || f.at+8 > gBytes {
			return o, fmt.Errorf("%w: a field of the runtime's g is at %d, where the programs do not look",
				ErrUnsupported, f.at)
		}
		*f.in = uint8(f.at)
	}
	return o, nil
}

// small is an offset as the programs have it.
func small(offset int32) uint16 { return uint16(offset) }
