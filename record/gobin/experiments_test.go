package gobin

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// open opens a build.
func (b build) open(t *testing.T) *Binary {
	t.Helper()
	bin, err := Open(b.make(t))
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	t.Cleanup(func() { bin.Close() })
	return bin
}

// experimentBuilds are stripped builds with experiments that are recorded: with
// GOSCHED_FULL_MATRIX=1 all of them.
func experimentBuilds() []build {
	list := []build{
		{toolchain: "go1.26.8", arch: "amd64", mode: "stripped", experiment: "staticlockranking"},
		{toolchain: "go1.27.4", arch: "amd64", mode: "stripped", experiment: "nojsonv2,nosizespecializedmalloc"},
	}
	if !full {
		return list
	}
	for _, name := range slices.Sorted(maps.Keys(offsets.Experiments)) {
		for _, minor := range offsets.Experiments[name].Same {
			list = append(list, build{toolchain: toolchains[minor-18], arch: "amd64", mode: "stripped",
				experiment: name})
		}
	}
	return list
}

// TestExperimentsThatChangeNothing compares the table's offsets of stripped builds with the DWARF
// of the same build, and wants every transition to be seen.
func TestExperimentsThatChangeNothing(t *testing.T) {
	for _, b := range experimentBuilds() {
		t.Run(b.String(), func(t *testing.T) {
			bin := b.open(t)
			if bin.Version.Experiments != b.experiment {
				t.Errorf("%q is read as %+v", bin.GoVersion, bin.Version)
			}
			stripped, err := bin.Layout()
			if err != nil {
				t.Fatal(err)
			}
			own := b
			own.mode = "plain"
			dwarf, err := own.open(t).Layout()
			if err != nil {
				t.Fatal(err)
			}
			if dwarf.Source != "dwarf" || !strings.HasPrefix(stripped.Source, "table go1.") {
				t.Errorf("offsets from %q and %q", dwarf.Source, stripped.Source)
			}
			stripped.Source = dwarf.Source
			if stripped != dwarf {
				t.Errorf("the table says %+v\nDWARF says    %+v", stripped, dwarf)
			}
			checkCovered(t, bin)
		})
	}
}

// checkCovered wants every transition to be seen.
func checkCovered(t *testing.T, bin *Binary) {
	t.Helper()
	_, coverage, err := bin.Probes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range coverage {
		if !c.Covered {
			t.Errorf("not covered: %+v", c)
		}
	}
}

// TestUnknownExperiments are refused if the build is stripped, and read from DWARF if not.
func TestUnknownExperiments(t *testing.T) {
	b := build{toolchain: local, arch: "amd64", mode: "stripped", as: local + "-X:quantumsched"}
	_, err := Open(b.make(t))
	checkRefusal(t, b.String(), err, "GOEXPERIMENT=quantumsched", "Leave its DWARF in it")
	b.mode = "plain"
	if l, err := b.open(t).Layout(); err != nil || l.Source != "dwarf" {
		t.Errorf("layout from %q, %v", l.Source, err)
	}
}

// TestObfuscatedBuilds say no version, as garble has them do.
func TestObfuscatedBuilds(t *testing.T) {
	for _, mode := range []string{"stripped", "plain"} {
		b := build{toolchain: local, arch: "amd64", mode: mode, as: "unknown"}
		_, err := Open(b.make(t))
		checkRefusal(t, b.String(), err, "its Go version was removed", "without the obfuscator")
	}
}

// TestVendorsBuilds are recorded if their code shows every offset, as that of unchanged runtimes
// does.
func TestVendorsBuilds(t *testing.T) {
	list := []build{
		{toolchain: local, arch: "amd64", mode: "stripped", as: local + " (Red Hat 1.26.8-1.el9) X:strictfipsruntime"},
		{toolchain: "go1.27.4", arch: "arm64", mode: "stripped", as: "go1.27.4-google"},
		{toolchain: "go1.22.12", arch: "amd64", mode: "stripped", as: "go1.22.12b7"},
		{toolchain: "go1.18.10", arch: "amd64", mode: "stripped", as: "go1.18.10b7"},
	}
	if full {
		for _, v := range toolchains {
			for _, arch := range []string{"amd64", "arm64"} {
				list = append(list, build{toolchain: v, arch: arch, mode: "stripped", as: v + "-vendor"})
			}
		}
	}
	for _, b := range list {
		t.Run(b.String(), func(t *testing.T) {
			bin := b.open(t)
			l, err := bin.Layout()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(l.Source, "every offset found in the code of "+b.as) {
				t.Errorf("offsets from %q", l.Source)
			}
			own := b
			own.as = ""
			plain, err := own.open(t).Layout()
			plain.Poll = PollLayout{Absent, Absent, Absent} // nothing shows it
			if l.Source = plain.Source; err != nil || l != plain {
				t.Errorf("%+v\n%+v, %v", l, plain, err)
			}
			checkCovered(t, bin)
			checkInsertedFields(t, bin)
		})
	}
}

// checkInsertedFields pretends that the vendor put a word in front of each field: no such runtime
// may be recorded by the release's offsets.
func checkInsertedFields(t *testing.T, bin *Binary) {
	t.Helper()
	for _, k := range layoutFields {
		strukt, _, _ := strings.Cut(k.key, ".")
		if strukt == "pollDesc" {
			continue // it is not read then
		}
		if _, coroutines := bin.lookup("runtime.corostart"); coroutineKeys[k.key] && !coroutines {
			continue
		}
		if bin.set[k.key] <= 0 || strukt == "gobuf" || k.key == "g.sizeof" || strings.HasSuffix(k.key, ".lr") {
			continue
		}
		changed := maps.Clone(bin.set)
		for _, other := range layoutFields {
			s, _, _ := strings.Cut(other.key, ".")
			if s == strukt && bin.set[other.key] >= bin.set[k.key] {
				changed[other.key] += 8
			}
		}
		if bin.checkOffsets(changed) == nil && bin.checkVendor(changed) == nil {
			t.Errorf("%s: a word in front of %s, at %d, goes unnoticed", bin.GoVersion, k.key, bin.set[k.key])
		}
	}
}
