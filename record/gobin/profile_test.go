package gobin

import (
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin/internal/insn"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// edge is a call that a made-up profile calls hot.
type edge struct {
	caller, callee  string
	line, startLine int64
}

// hotEdges finds every call of the given functions in a program.
func hotEdges(t *testing.T, bin *Binary, callees []string) []edge {
	t.Helper()
	targets := map[uint64]string{}
	for _, name := range callees {
		if f, ok := bin.lookup(name); ok {
			targets[f.Entry] = name
		}
	}
	var out []edge
	for name, fn := range bin.names {
		c, err := bin.decodeFunc(name, fn)
		if err != nil {
			continue
		}
		for _, i := range c.insns {
			if callee := targets[i.Target]; i.Kind == insn.Call && callee != "" {
				out = append(out, bin.edgeAt(fn, i.Addr, callee))
			}
		}
	}
	slices.SortFunc(out, func(a, b edge) int {
		return cmp.Or(strings.Compare(a.caller, b.caller), cmp.Compare(a.line, b.line), strings.Compare(a.callee,
			b.callee))
	})
	return out
}

// edgeAt describes the call at pc by the innermost function that it is in.
func (b *Binary) edgeAt(f pcln.Func, pc uint64, callee string) edge {
	c := b.table.Calls(f, pc)[0]
	name, _ := b.table.NameAt(c.NameOff)
	_, line := b.table.Line(f, c.PC)
	return edge{name, callee, int64(line), b.table.StartLine(f, c)}
}

// proto writes protocol buffers.
type proto []byte

func (p *proto) varint(field int, v uint64) {
	*p = binary.AppendUvarint(binary.AppendUvarint(*p, uint64(field)<<3), v)
}

func (p *proto) bytes(field int, b []byte) {
	*p = append(binary.AppendUvarint(binary.AppendUvarint(*p, uint64(field)<<3|2), uint64(len(b))), b...)
}

// writeProfile writes a CPU profile (github.com/google/pprof/proto/profile.proto) in which all
// edges are equally hot.
func writeProfile(t *testing.T, path string, edges []edge) {
	t.Helper()
	strs := []string{"", "samples", "count", "cpu", "nanoseconds"}
	str := func(s string) uint64 {
		if i := slices.Index(strs, s); i >= 0 {
			return uint64(i)
		}
		strs = append(strs, s)
		return uint64(len(strs) - 1)
	}
	var out proto
	for _, typ := range [][2]uint64{{1, 2}, {3, 4}} {
		var v proto
		v.varint(1, typ[0])
		v.varint(2, typ[1])
		out.bytes(1, v)
	}
	place := func(id uint64, name string, line, start int64) {
		var fn, ln, loc proto
		fn.varint(1, id)
		fn.varint(2, str(name))
		fn.varint(3, str(name))
		fn.varint(5, uint64(start))
		out.bytes(5, fn)
		ln.varint(1, id)
		ln.varint(2, uint64(line))
		loc.varint(1, id)
		loc.bytes(4, ln)
		out.bytes(4, loc)
	}
	for i, e := range edges {
		in, from := uint64(2*i+1), uint64(2*i+2)
		place(in, e.callee, 1, 1)
		place(from, e.caller, e.line, e.startLine)
		var s proto
		for _, id := range []uint64{in, from} {
			s.varint(1, id)
		}
		s.varint(2, 1000)
		s.varint(2, 1e10)
		out.bytes(2, s)
	}
	for _, s := range strs {
		out.bytes(6, []byte(s))
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write(out); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEverythingInlined builds with a profile that calls every call of the scheduler's functions
// hot, so that the compiler inlines all it may. Whatever was inlined must be observed in its copies
// or be said not to be.
func TestEverythingInlined(t *testing.T) {
	toolchains := []string{local}
	if full {
		toolchains = []string{"go1.22.12", "go1.24.13", "go1.26.8", "go1.27.4"}
	}
	for _, toolchain := range toolchains {
		for _, arch := range []string{"amd64", "arm64"} {
			if arch == "arm64" && !full {
				continue
			}
			for _, keep := range []string{"", "runtime.casgstatus"} {
				t.Run(toolchain+" "+arch+" keep "+keep, func(t *testing.T) {
					everythingInlined(t, toolchain, arch,
						keep)
				})
			}
		}
	}
}

func everythingInlined(t *testing.T, toolchain, arch, keep string) {
	if keep != "" && !full {
		t.Skip("part of the full matrix")
	}
	plain, err := Open(build{toolchain: toolchain, arch: arch, mode: "plain"}.make(t))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	plain.lookup("")
	var callees []string
	for name := range watched {
		if name != keep {
			callees = append(callees, name)
		}
	}
	profile := filepath.Join(t.TempDir(), "hot.pprof")
	writeProfile(t, profile, hotEdges(t, plain, callees))
	path := build{toolchain: toolchain, arch: arch, mode: "stripped", profile: profile}.make(t)
	bin, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer bin.Close()
	checkProbes(t, bin, path)
	checkCopies(t, bin)
	checkEveryTree(t, bin)
}

// checkEveryTree follows the inline trees of all functions, and checks that the copies in them are
// those that were found by looking for names only.
func checkEveryTree(t *testing.T, bin *Binary) {
	t.Helper()
	bin.inlined("")
	found := bin.copies
	bin.watching = nil
	bin.table.Each(func(f pcln.Func, _, _ uint32) { bin.watching = append(bin.watching, f) })
	clear(bin.watchedNames)
	for off, name := range bin.table.Names(func(name []byte) bool { return watched[string(name)] }) {
		bin.watchedNames[off] = name
	}
	bin.scanInlined()
	if len(found) == 0 || !reflect.DeepEqual(found, bin.copies) {
		t.Errorf("copies of %d functions were found, and there are of %d:\n%v\n%v", len(found), len(bin.copies), found,
			bin.copies)
	}
}

// checkCopies checks that each inlined copy of a probed function has a probe, or that its
// transition is said not to be covered.
func checkCopies(t *testing.T, bin *Binary) {
	t.Helper()
	probes, coverage, err := bin.Probes()
	if err != nil {
		t.Fatal(err)
	}
	covered := map[format.Transition]bool{}
	for _, c := range coverage {
		covered[c.Transition] = c.Covered
		if !c.Covered {
			t.Logf("not covered: %+v", c)
		}
		// newproc1 sets the goroutine's id last there
		early := bin.Version.Minor < 24 && c.Transition == format.TransitionCreate
		if !c.Covered && c.Transition != format.TransitionCgo && c.Transition != format.TransitionGC &&
			c.Transition != format.TransitionSyscalls && !early {
			t.Errorf("%s should have been rescued", c.Transition)
		}
	}
	copies := 0
	for _, p := range points {
		for _, c := range bin.inlined(p.funcs[0]) {
			copies++
			probed := slices.ContainsFunc(probes, func(q Probe) bool {
				return q.Func == c.in && (q.Op == p.op || p.op == OpInject && q.Op == OpReady)
			})
			if p.transition == format.TransitionCgo && !bin.Cgo() {
				continue
			}
			if !probed && covered[p.transition] && (p.to == 0 || p.to >= bin.Version.Minor) &&
				p.from <= bin.Version.Minor {
				t.Errorf("%s was inlined into %s, there is no probe, and %s is said to be covered", p.funcs[0], c.in,
					p.transition)
			}
		}
	}
	if copies < 3 {
		t.Errorf("%d copies: the profile does not do what it is for", copies)
	}
}
