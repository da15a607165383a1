package gobin

import (
	"fmt"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// marks are accesses that the code of a vendor's build must contain for the table's offsets to be
// believed: all of proofs, and these. They are facts of src/runtime/proc.go, asm_amd64.s,
// asm_arm64.s, mgcmark.go, coro.go and os_linux.go, go1.18 to go1.27. The name of gogo has no
// package, so gobuf is told by g.sched, which is one.
var marks = []proof{
	{"g.stack.lo", false, []string{"runtime.copystack", "runtime.newproc1", "runtime.gfput"}},
	{"g.stack.hi", false, []string{"runtime.copystack", "runtime.newproc1", "runtime.gfput"}},
	{"g.sched.sp", true, []string{"runtime.mcall"}},
	{"g.sched.pc", true, []string{"runtime.mcall"}},
	{"g.sched.bp", true, []string{"runtime.mcall"}},
	{"g.syscallsp", true, []string{"runtime.reentersyscall", "runtime.entersyscallblock"}},
	{"g.syscallpc", true, []string{"runtime.reentersyscall", "runtime.entersyscallblock"}},
	{"g.syscallbp", true, []string{"runtime.reentersyscall", "runtime.entersyscallblock"}},
	{"g.schedlink", false, []string{"runtime.injectglist", "runtime.runqputslow"}},
	{"g.waitsince", true, []string{"runtime.markroot", "runtime.markroot.func1"}},
	{"g.labels", true, []string{"runtime.newproc1"}},
	{"g.coroarg", true, []string{"runtime.corostart"}},
	{"g.coroexit", false, []string{"runtime.coroexit", "runtime.coroswitch_m"}},
	{"g.syncSafePoint", false, []string{"runtime.newstack", "runtime.traceStack"}},
	{"m.g0", false, []string{"runtime.mcall", "runtime.mstart1"}},
	{"m.procid", true, []string{"runtime.minit"}},
	{"m.p", true, []string{"runtime.wirep", "runtime.acquirep", "runtime.releasep"}},
	{"m.id", true, []string{"runtime.mcommoninit", "runtime.allocm"}},
	{"p.id", false, []string{"runtime.procresize", "runtime.(*p).init", "runtime.wirep"}},
	{"coro.gp", false, []string{"runtime.newcoro.func1", "runtime.coroswitch_m"}},
}

// coroutineKeys are about functions that only programs with coroutines have.
var coroutineKeys = map[string]bool{"g.coroarg": true, "g.coroexit": true, "coro.gp": true}

// checkVendor refuses a build of a vendor's toolchain unless its code shows every offset. The
// vendor may have changed the runtime: what is known of the release is only a guess until then.
func (b *Binary) checkVendor(s offsets.Set) error {
	seen := map[string]bool{}
	for _, list := range [][]proof{proofs, marks} {
		for _, p := range list {
			used, found := b.proves(p, s[p.key])
			seen[p.key] = seen[p.key] || used || s[p.key] == Absent || !found && coroutineKeys[p.key]
		}
	}
	for _, list := range [][]proof{proofs, marks} {
		for _, p := range list {
			if !seen[p.key] {
				return refuse(keepDWARF,
					"%w: %s is not the Go project's own, and its code does not show that %s is at %d",
					ErrUnsupported, b.GoVersion, p.key, s[p.key])
			}
		}
	}
	return nil
}

// vendorNote says by what the table's offsets are believed of a vendor's build.
func (b *Binary) vendorNote() string {
	if !b.Version.vendored() {
		return ""
	}
	return fmt.Sprintf(", every offset found in the code of %s", b.GoVersion)
}
