package gobin

import (
	"fmt"
	"slices"

	"github.com/gosched/gosched/record/gobin/internal/insn"
)

// WaitReasons returns the texts of g.waitreason by number, as this executable has them
// (runtime.waitReasonStrings).
func (b *Binary) WaitReasons() ([]string, error) {
	out, _ := b.reasons()
	if out == nil {
		return nil, fmt.Errorf("%w: the table of wait reasons was not found", ErrDamaged)
	}
	return out, nil
}

// STWReasons returns the texts of the numbers with which the world is stopped
// (runtime.stwReasonStrings), which exist since go1.21; nil before that, and for programs without
// the table.
func (b *Binary) STWReasons() ([]string, error) {
	_, stops := b.reasons()
	return stops, nil
}

// waitsBegin and stopsBegin are the first strings of the two tables, go1.18 to go1.27.
var (
	waitsBegin = []string{"", "GC assist marking", "IO wait"}
	stopsBegin = []string{"unknown", "GC mark termination", "GC sweep termination"}
)

// findReasons reads both tables, nil where there is none.
func (b *Binary) findReasons() (waits, stops []string) {
	places := b.img.FindStrings(lengths(waitsBegin), lengths(stopsBegin))
	waits = b.stringTable(places[0], waitsBegin, b.set["waitReasons.len"])
	return waits, b.stringTable(places[1], stopsBegin, b.set["stwReasons.len"])
}

func lengths(first []string) [3]uint64 {
	return [3]uint64{uint64(len(first[0])), uint64(len(first[1])), uint64(len(first[2]))}
}

// maxTable bounds a table of strings, maxText a string in it.
const maxTable, maxText = 128, 64

// stringTable reads the array of strings at the first of some places where it begins as it should.
// n is its length, negative if that is not known: then it ends where no more strings follow.
func (b *Binary) stringTable(places []uint64, first []string, n int64) []string {
	for _, addr := range places {
		if found := b.readStrings(addr, n); startsWith(found, first) {
			return found
		}
	}
	return nil
}

func startsWith(s, first []string) bool {
	if len(s) < len(first) {
		return false
	}
	for i := range first {
		if s[i] != first[i] {
			return false
		}
	}
	return true
}

// readStrings reads the array of n strings at addr.
func (b *Binary) readStrings(addr uint64, n int64) []string {
	known := n >= 0
	if !known {
		n = maxTable
	}
	words := b.img.Words(addr, 2*int(min(n, maxTable)))
	var out []string
	for ; len(words) > 0; words = words[2:] {
		s, ok := b.text(words[0], words[1])
		if !ok || s == "" && len(out) > 0 && !known {
			break
		}
		out = append(out, s)
	}
	return out
}

// text reads a string of printable ASCII.
func (b *Binary) text(addr, n uint64) (string, bool) {
	if n == 0 {
		return "", true
	}
	if n > maxText {
		return "", false
	}
	s, err := b.img.Read(addr, n)
	if err != nil {
		return "", false
	}
	for _, c := range s {
		if c < ' ' || c > '~' {
			return "", false
		}
	}
	return string(s), true
}

// AllGs returns the link-time address of runtime.allgs, the slice of all goroutines. Without a
// symbol table it is read from the code of runtime.allgadd: the only three words in a row that it
// addresses are the slice's.
func (b *Binary) AllGs() (uint64, error) {
	c, err := b.decode("runtime.allgadd")
	if err != nil {
		return 0, fmt.Errorf("find runtime.allgs: %w", err)
	}
	used := insn.Addresses(c.insns, false)
	var found []uint64
	for a := range used {
		if used[a+8] && used[a+16] && b.img.Contains(a) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("find runtime.allgs: %d candidates in the code of runtime.allgadd", len(found))
	}
	return found[0], nil
}

// usersOfGOMAXPROCS are functions that read runtime.gomaxprocs, like procresize, which begins with
// that.
var usersOfGOMAXPROCS = []string{"runtime.stopTheWorldWithSema", "runtime.startTheWorldWithSema", "runtime.sysmon",
	"runtime.schedtrace"}

// GOMAXPROCSAddr returns the link-time address of runtime.gomaxprocs, an int32; false if the code
// does not show it. It is the first variable that runtime.procresize reads and that two other
// functions read that need it.
func (b *Binary) GOMAXPROCSAddr() (uint64, bool) {
	addr, err := b.gomaxprocs()
	return addr, err == nil
}

func (b *Binary) findGOMAXPROCS() (uint64, error) {
	resize, err := b.decode("runtime.procresize")
	if err != nil {
		return 0, err
	}
	users := map[uint64]int{}
	for _, name := range usersOfGOMAXPROCS {
		c, _ := b.decode(name)
		for a := range insn.Addresses(c.insns, true) {
			users[a]++
		}
	}
	for n := range resize.insns {
		for a := range insn.Addresses(resize.insns[:n+1], true) {
			if users[a] >= 2 && a%4 == 0 && b.img.Contains(a) {
				return a, nil
			}
		}
	}
	return 0, fmt.Errorf("%w: runtime.gomaxprocs was not found", ErrDamaged)
}

// NewprocsAddr returns the link-time address of runtime.newprocs, an int32: the GOMAXPROCS that
// startTheWorldWithSema is about to set, 0 for none. False if the code does not show it. Between
// taking a lock and calling procresize that function reads gomaxprocs and newprocs and nothing else
// (go1.18 to go1.27 src/runtime/proc.go).
func (b *Binary) NewprocsAddr() (uint64, bool) {
	procs, ok := b.GOMAXPROCSAddr()
	resize, found := b.lookup("runtime.procresize")
	c, err := b.decode("runtime.startTheWorldWithSema")
	if !ok || !found || err != nil {
		return 0, false
	}
	at := slices.IndexFunc(c.insns, func(i insn.Insn) bool { return i.Kind == insn.Call && i.Target == resize.Entry })
	if at < 0 {
		return 0, false
	}
	from := at
	for from > 0 && c.insns[from-1].Kind != insn.Call && c.insns[from-1].Kind != insn.CallReg {
		from--
	}
	read := insn.Addresses(c.insns[from:at], true)
	if delete(read, procs); len(read) != 1 {
		return 0, false
	}
	for a := range read {
		return a, a%4 == 0 && b.img.Contains(a)
	}
	return 0, false
}
