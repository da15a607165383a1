package gobin

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

const (
	// Absent is the offset of a field that this version of Go does not have.
	Absent = offsets.Absent
	// Unknown is the offset of a field of which nothing proves where it is. Only MLayout.WaitLock may
	// be unknown: a Layout that could not be told otherwise is an error.
	Unknown = offsets.Drifts
)

// Layout says where the runtime of this executable keeps what, in bytes from the beginning of each
// struct.
type Layout struct {
	Source string // where the numbers are from: "dwarf" or "table go1.26"
	G      GLayout
	M      MLayout
	P      PLayout
	Coro   CoroLayout
	Gobuf  GobufLayout
	Poll   PollLayout
}

// GLayout holds offsets in runtime.g, a goroutine.
type GLayout struct {
	Sizeof                             int32
	StackLo, StackHi                   int32
	M                                  int32
	SchedSP, SchedPC, SchedLR, SchedBP int32
	SyscallSP, SyscallPC               int32
	SyscallBP                          int32 // since go1.23
	AtomicStatus, GoID, SchedLink      int32
	WaitSince, WaitReason              int32
	ParentGoID                         int32 // since go1.21
	GoPC, StartPC, Labels              int32
	CoroArg, CoroExit                  int32 // since go1.22
	SyncSafePoint                      int32 // since go1.25
}

// MLayout holds offsets in runtime.m, a thread.
type MLayout struct {
	G0, ProcID, CurG, P, ID int32
	WaitLock                int32 // Unknown where gopark's code does not confirm it
}

// PLayout holds offsets in runtime.p.
type PLayout struct{ ID int32 }

// CoroLayout holds offsets in runtime.coro, since go1.22.
type CoroLayout struct{ GP int32 }

// GobufLayout holds offsets in runtime.gobuf.
type GobufLayout struct{ SP, PC, LR, BP int32 }

// PollLayout holds offsets in runtime.pollDesc, what the poller knows of a file descriptor. They are
// Absent in a vendor's build without DWARF, whose code does not show them.
type PollLayout struct{ FD, RG, WG int32 }

// InOrder says whether all is known of the fields, and the descriptor comes before those that name
// goroutines, as in every release.
func (p *PollLayout) InOrder() bool { return p.FD >= 0 && p.FD < min(p.RG, p.WG) }

// layoutField says which key is which field.
type layoutField struct {
	key   string
	field func(*Layout) *int32
}

var layoutFields = []layoutField{
	{"g.sizeof", func(l *Layout) *int32 { return &l.G.Sizeof }},
	{"g.stack.lo", func(l *Layout) *int32 { return &l.G.StackLo }},
	{"g.stack.hi", func(l *Layout) *int32 { return &l.G.StackHi }},
	{"g.m", func(l *Layout) *int32 { return &l.G.M }},
	{"g.sched.sp", func(l *Layout) *int32 { return &l.G.SchedSP }},
	{"g.sched.pc", func(l *Layout) *int32 { return &l.G.SchedPC }},
	{"g.sched.lr", func(l *Layout) *int32 { return &l.G.SchedLR }},
	{"g.sched.bp", func(l *Layout) *int32 { return &l.G.SchedBP }},
	{"g.syscallsp", func(l *Layout) *int32 { return &l.G.SyscallSP }},
	{"g.syscallpc", func(l *Layout) *int32 { return &l.G.SyscallPC }},
	{"g.syscallbp", func(l *Layout) *int32 { return &l.G.SyscallBP }},
	{"g.atomicstatus", func(l *Layout) *int32 { return &l.G.AtomicStatus }},
	{"g.goid", func(l *Layout) *int32 { return &l.G.GoID }},
	{"g.schedlink", func(l *Layout) *int32 { return &l.G.SchedLink }},
	{"g.waitsince", func(l *Layout) *int32 { return &l.G.WaitSince }},
	{"g.waitreason", func(l *Layout) *int32 { return &l.G.WaitReason }},
	{"g.parentGoid", func(l *Layout) *int32 { return &l.G.ParentGoID }},
	{"g.gopc", func(l *Layout) *int32 { return &l.G.GoPC }},
	{"g.startpc", func(l *Layout) *int32 { return &l.G.StartPC }},
	{"g.labels", func(l *Layout) *int32 { return &l.G.Labels }},
	{"g.coroarg", func(l *Layout) *int32 { return &l.G.CoroArg }},
	{"g.coroexit", func(l *Layout) *int32 { return &l.G.CoroExit }},
	{"g.syncSafePoint", func(l *Layout) *int32 { return &l.G.SyncSafePoint }},
	{"m.g0", func(l *Layout) *int32 { return &l.M.G0 }},
	{"m.procid", func(l *Layout) *int32 { return &l.M.ProcID }},
	{"m.curg", func(l *Layout) *int32 { return &l.M.CurG }},
	{"m.p", func(l *Layout) *int32 { return &l.M.P }},
	{"m.id", func(l *Layout) *int32 { return &l.M.ID }},
	{waitLockKey, func(l *Layout) *int32 { return &l.M.WaitLock }},
	{"p.id", func(l *Layout) *int32 { return &l.P.ID }},
	{"coro.gp", func(l *Layout) *int32 { return &l.Coro.GP }},
	{"gobuf.sp", func(l *Layout) *int32 { return &l.Gobuf.SP }},
	{"gobuf.pc", func(l *Layout) *int32 { return &l.Gobuf.PC }},
	{"gobuf.lr", func(l *Layout) *int32 { return &l.Gobuf.LR }},
	{"gobuf.bp", func(l *Layout) *int32 { return &l.Gobuf.BP }},
	{"pollDesc.fd", func(l *Layout) *int32 { return &l.Poll.FD }},
	{"pollDesc.rg", func(l *Layout) *int32 { return &l.Poll.RG }},
	{"pollDesc.wg", func(l *Layout) *int32 { return &l.Poll.WG }},
}

// Layout tells the struct offsets: from the executable's DWARF if it has any, else from the table
// of Go versions. Either way they are compared with the machine code of runtime.casgstatus and
// runtime.gopark.
func (b *Binary) Layout() (Layout, error) { return b.layout() }

func (b *Binary) findLayout() (Layout, error) {
	set, source := b.set, b.source
	if source != "dwarf" {
		own, err := b.dwarf(layoutKeys())
		switch {
		case err == nil:
			set, source = own, "dwarf"
		case !errors.Is(err, offsets.ErrNoDWARF):
			return Layout{}, fmt.Errorf("%w: struct offsets: %w", ErrDamaged, err)
		}
	}
	if err := b.checkOffsets(set); err != nil {
		return Layout{}, fmt.Errorf("%w: struct offsets from %s: %w", ErrUnsupported, source, err)
	}
	if source != "dwarf" && b.Version.vendored() {
		if err := b.checkVendor(set); err != nil {
			return Layout{}, err
		}
	}
	l := Layout{Source: source}
	for _, f := range layoutFields {
		*f.field(&l) = int32(set[f.key])
	}
	l.M.WaitLock = b.waitLock(set)
	if source != "dwarf" && b.Version.vendored() {
		l.Poll = PollLayout{Absent, Absent, Absent}
	}
	return l, nil
}

// tableSource names the table's column, and says so if the patch release is newer than those it was
// made from.
func (b *Binary) tableSource(r offsets.Release) string {
	s := fmt.Sprintf("table go1.%d", b.Version.Minor)
	if b.newerPatch(r) {
		s += fmt.Sprintf(" (made from %s)", r.Last)
	}
	return s + b.vendorNote()
}

// newerPatch says whether the version is a patch release that came after the table.
func (b *Binary) newerPatch(r offsets.Release) bool {
	last, err := parseVersion(r.Last)
	return err == nil && b.Version.Patch > last.Patch
}

// dwarf reads the numbers of some keys from the executable's debug information.
func (b *Binary) dwarf(keys []offsets.Key) (offsets.Set, error) {
	newest, _, _ := offsets.Lookup(offsets.Newest())
	like, _, err := offsets.Lookup(b.Version.Minor)
	if err != nil {
		like = newest
	}
	s, err := offsets.FromELF(b.img.File, offsets.Query{Keys: keys, Like: like})
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if b.Version.Minor > offsets.Newest() && k.Array == "" && s[k.Name] == Absent && newest[k.Name] != Absent {
			return nil, fmt.Errorf("DWARF lacks %s, which go1.%d has", k.Name, offsets.Newest())
		}
	}
	return s, nil
}

// layoutKeys are the keys of layoutFields. All are fields of the runtime's structs, which are
// together.
func layoutKeys() []offsets.Key {
	return slices.DeleteFunc(slices.Clone(offsets.Keys), func(k offsets.Key) bool {
		return k.Name != waitUnlockKey &&
			!slices.ContainsFunc(layoutFields, func(f layoutField) bool { return f.key == k.Name })
	})
}
