package stacks

import (
	"testing"

	"github.com/gosched/gosched/format"
)

// TestWhereSamplesAre expands samples of the made-up program, whose functions have no frame at their
// first address.
func TestWhereSamplesAre(t *testing.T) {
	for _, c := range []struct {
		name   string
		sample Sample
		want   string
		where  format.Reason
	}{
		{"in Go code", Sample{Stack: Stack{[]uint64{25, 111, 11}, true}},
			"main.main f.go:110;main.work f.go:25", format.ReasonNone},
		{"in a function without a frame", Sample{Stack: Stack{[]uint64{20, 11}, true}, Caller: 115},
			"main.main f.go:114;main.work f.go:20", format.ReasonNone},
		{"with a word that is not needed", Sample{Stack: Stack{[]uint64{25, 111, 11}, true}, Caller: 77},
			"main.main f.go:110;main.work f.go:25", format.ReasonNone},
		{"in the kernel", Sample{Stack: Stack{[]uint64{65, 21, 11}, true}, Kernel: true},
			"main.work f.go:20;syscall.Syscall f.go:65", format.ReasonInKernel},
		{"on the system stack", Sample{Stack: Stack{[]uint64{125, 21, 11}, true}, System: true},
			"main.work f.go:20;runtime.gcDrain f.go:125", format.ReasonSystemStack},
		{"of a scheduler that has no goroutine", Sample{Stack: Stack{[]uint64{145, 131}, false}, System: true},
			"runtime.mcall f.go:130;runtime.schedule f.go:145", format.ReasonSystemStack},
		{"cut", Sample{Stack: Stack{[]uint64{25, 111}, false}},
			"[truncated];main.main f.go:110;main.work f.go:25", format.ReasonNone},
		{"of a thread without Go code", Sample{Stack: Stack{[]uint64{5000}, false}, System: true}, "",
			format.ReasonCgo},
		{"of a C thread that is lent a goroutine", Sample{Stack: Stack{[]uint64{5000, 11}, true}, System: true}, "",
			format.ReasonCgo},
		{"of a goroutine that has not left its wrapper", Sample{Stack: Stack{[]uint64{150}, false}, Caller: 12},
			"main.wrapped f.go:150", format.ReasonNone},
		{"without a stack, in the kernel", Sample{Kernel: true}, "", format.ReasonInKernel},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, lookup := newTable()
			for range 2 { // it is remembered
				id, where := table.Sampled(&c.sample)
				if got := lookup(id); got != c.want || where != c.where {
					t.Errorf("%q, %v; want %q, %v", got, where, c.want, c.where)
				}
			}
			if n := table.Lost(); n > 0 {
				t.Errorf("%d stacks were lost", n)
			}
		})
	}
}
