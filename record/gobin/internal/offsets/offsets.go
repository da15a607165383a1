// Package offsets knows where the Go runtime keeps what in its structs: from a program's own DWARF,
// or from a table made of the DWARF of each Go release's own output.
package offsets

import (
	"fmt"
	"strings"
)

const (
	Absent = -1 // the offset of a field that this version of Go does not have
	Drifts = -2 // in the table: the offset differs between patch releases of the minor version, so it is not known
)

// Set holds offsets and other numbers by key, see Keys.
type Set map[string]int64

// Key is something to know about the runtime.
type Key struct {
	Name   string // "g.goid"
	Struct string // the DWARF name of the struct; empty for a constant and an array
	Array  string // the DWARF name of an array variable, whose length is asked for
	// the field's path in it, one for each spelling; "" is the struct's size. For constants their
	// names
	Paths    []string
	Optional bool // not there in every version
	MayDrift bool // known to differ between patch releases
}

// field makes the key of a struct's field, whose name it is unless other spellings are given.
func field(name string, spellings ...string) Key {
	strukt, path, _ := strings.Cut(name, ".")
	if path == "sizeof" {
		spellings = []string{""}
	} else if len(spellings) == 0 {
		spellings = []string{path}
	}
	return Key{Name: name, Struct: "runtime." + strukt, Paths: spellings}
}

// optional makes a key of a field that only some versions have.
func optional(name string) Key {
	k := field(name)
	k.Optional = true
	return k
}

// drifting makes a key of a field that moved inside minor versions: the table has it only where it
// did not.
func drifting(name string) Key {
	k := field(name)
	k.MayDrift = true
	return k
}

// constant makes the key of a constant with its names in the versions.
func constant(name string, spellings ...string) Key { return Key{Name: name, Paths: spellings} }

// length makes the key of an array's length, which may grow in patch releases.
func length(name, array string) Key {
	return Key{Name: name, Array: array, Optional: true, MayDrift: true}
}

// Keys is everything that is looked up, in the order of the generated table.
var Keys = []Key{
	field("g.sizeof"), field("g.stack.lo"), field("g.stack.hi"), field("g.m"),
	field("g.sched.sp"), field("g.sched.pc"), field("g.sched.lr"), field("g.sched.bp"),
	field("g.syscallsp"), field("g.syscallpc"), optional("g.syscallbp"),
	field("g.atomicstatus"), field("g.goid"), field("g.schedlink"), field("g.waitsince"), field("g.waitreason"),
	optional("g.parentGoid"), field("g.gopc"), field("g.startpc"), field("g.labels"),
	optional("g.coroarg"), optional("g.coroexit"), optional("g.syncSafePoint"),
	field("m.g0"), field("m.procid"), field("m.curg"), field("m.p"), field("m.id"), drifting("m.waitunlockf"),
	drifting("m.waitlock"),
	field("p.id"), optional("coro.gp"),
	field("pollDesc.fd"), field("pollDesc.rg"), field("pollDesc.wg"),
	field("gobuf.sp"), field("gobuf.pc"), field("gobuf.lr"), field("gobuf.bp"),
	field("moduledata.minpc"), field("moduledata.maxpc"), field("moduledata.text"), field("moduledata.etext"),
	field("moduledata.gofunc"), field("moduledata.textsectmap"), field("moduledata.pluginpath"),
	field("moduledata.next"),
	field("_func.sizeof"), field("_func.nameOff", "nameOff", "nameoff"), field("_func.pcsp"), field("_func.pcfile"),
	field("_func.pcln"),
	field("_func.npcdata"), field("_func.cuOffset"), field("_func.funcID"), field("_func.nfuncdata"),
	field("inlinedCall.sizeof"), field("inlinedCall.funcID"), field("inlinedCall.nameOff", "nameOff", "func_"),
	field("inlinedCall.parentPc"),
	length("waitReasons.len", "runtime.waitReasonStrings"), length("stwReasons.len", "runtime.stwReasonStrings"),
	constant("id.wrapper", "internal/abi.FuncIDWrapper", "runtime.funcID_wrapper"),
	constant("id.gopanic", "internal/abi.FuncID_gopanic", "runtime.funcID_gopanic"),
	constant("id.sigpanic", "internal/abi.FuncID_sigpanic", "runtime.funcID_sigpanic"),
	constant("id.panicwrap", "internal/abi.FuncID_panicwrap", "runtime.funcID_panicwrap"),
}

// Release is a Go minor version in the table.
type Release struct {
	Minor int
	First string // oldest and newest patch release that the numbers were read from; all between are taken to be alike
	Last  string
}

// Experiment says what a GOEXPERIMENT value does to Keys.
type Experiment struct {
	Same    []int          // the minor versions whose newest release has the same numbers with it
	Changed map[int]string // those in which it changes one of Keys, and which
}

// Newest returns the newest minor version in the table.
func Newest() int { return Releases[len(Releases)-1].Minor }

// Oldest returns the oldest minor version in the table.
func Oldest() int { return Releases[0].Minor }

// Lookup returns the table's numbers for a minor version.
func Lookup(minor int) (Set, Release, error) {
	for i, r := range Releases {
		if r.Minor != minor {
			continue
		}
		s := Set{}
		for j, k := range Keys {
			s[k.Name] = int64(table[j][i])
		}
		return s, r, nil
	}
	return nil, Release{}, fmt.Errorf("go1.%d is not among the known versions go1.%d to go1.%d", minor, Oldest(),
		Newest())
}
