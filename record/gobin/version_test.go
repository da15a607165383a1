package gobin

import (
	"errors"
	"strings"
	"testing"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// versions are version strings and their parts, as the Go project and vendors write them.
var versions = []struct {
	in   string
	want Version
}{
	{"go1.26.8", Version{Minor: 26, Patch: 8}},
	{"go1.18", Version{Minor: 18}},
	{"go1.21.0", Version{Minor: 21}},
	{"go1.27rc2", Version{Minor: 27, Pre: "rc2"}},
	{"go1.20beta1", Version{Minor: 20, Pre: "beta1"}},
	{"devel go1.28-0123abcd Mon Nov 23 00:00:00 2026 +0000", Version{Minor: 28, Pre: "devel"}},
	{"go1.28-devel_0123abcd", Version{Minor: 28, Pre: "devel"}},
	{"go1.27-devel_0123abcd Fri Nov 27 2026 X:staticlockranking",
		Version{Minor: 27, Pre: "devel", Experiments: "staticlockranking"}},
	{"go1.22.12 X:boringcrypto,nodwarf5", Version{Minor: 22, Patch: 12, Experiments: "boringcrypto,nodwarf5"}},
	{"go1.25.3 X:staticlockranking", Version{Minor: 25, Patch: 3, Experiments: "staticlockranking"}},
	{"go1.26.8-X:staticlockranking", Version{Minor: 26, Patch: 8, Experiments: "staticlockranking"}},
	{"go1.27.4-X:nojsonv2,simd", Version{Minor: 27, Patch: 4, Experiments: "nojsonv2,simd"}},
	{"go1.24.4 (Red Hat 1.24.4-2.el9)", Version{Minor: 24, Patch: 4, Vendor: "Red Hat 1.24.4-2.el9"}},
	{"go1.26.8 (Red Hat 1.26.8-1.el9) X:strictfipsruntime",
		Version{Minor: 26, Patch: 8, Vendor: "Red Hat 1.26.8-1.el9", Experiments: "strictfipsruntime"}},
	{"go1.25.1-microsoft", Version{Minor: 25, Patch: 1, Vendor: "microsoft"}},
	{"go1.26.8-google X:fieldtrack", Version{Minor: 26, Patch: 8, Vendor: "google", Experiments: "fieldtrack"}},
	{"go1.26.8-google-X:fieldtrack", Version{Minor: 26, Patch: 8, Vendor: "google", Experiments: "fieldtrack"}},
	{"go1.18.10b7", Version{Minor: 18, Patch: 10, Vendor: "b7"}},
	{"go1.22.4+local", Version{Minor: 22, Patch: 4, Vendor: "local"}},
	{"go1.25-20250209-RC00 cl/724970549 +ff27d270c9 X:fieldtrack",
		Version{Minor: 25, Pre: "snapshot", Vendor: "20250209-RC00 cl/724970549 +ff27d270c9",
			Experiments: "fieldtrack"}},
	{"go1.18 gccgo (Debian 12.2.0-14) 12.2.0 linux/amd64",
		Version{Minor: 18, Vendor: "gccgo (Debian 12.2.0-14) 12.2.0 linux/amd64"}},
}

// notVersions are none.
var notVersions = []string{
	"", "unknown", "go2.1", "go1.9999999999", "go1.26r1", "go1.26.8x", "devel +0123abcd Mon Nov 23", "go1.26.8-X:",
	"go1.26.8 X: a",
}

func TestParseVersion(t *testing.T) {
	for _, tt := range versions {
		if got, err := parseVersion(tt.in); got != tt.want || err != nil {
			t.Errorf("parseVersion(%q) = %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range notVersions {
		if got, err := parseVersion(in); !errors.Is(err, ErrUnsupported) {
			t.Errorf("parseVersion(%q) = %+v, %v", in, got, err)
		}
	}
}

// FuzzParseVersion has experiments never get lost: then a build would be taken for a plain one.
func FuzzParseVersion(f *testing.F) {
	for _, tt := range versions {
		f.Add(tt.in)
	}
	for _, in := range notVersions {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseVersion(s)
		if err != nil {
			return
		}
		if strings.Contains(s, "X:") && v.Experiments == "" {
			t.Errorf("%q has no experiments: %+v", s, v)
		}
		if v.Minor < 0 || v.Patch < 0 || v.name() == "" {
			t.Errorf("%q: %+v", s, v)
		}
		set, _, err := v.tabled()
		if err == nil && (v.Pre != "" || v.Minor < offsets.Oldest() || v.Minor > offsets.Newest() || len(set) == 0) {
			t.Errorf("%q: the table is used for %+v", s, v)
		}
	})
}

// TestTabledVersions asks for the table's numbers by version strings, and for what to do where
// there are none.
func TestTabledVersions(t *testing.T) {
	const dwarf, release, without = "Leave its DWARF in it", "build it with a release", "without that experiment"
	for version, want := range map[string]struct{ says, advice string }{
		"go1.18":                          {},
		"go1.27.99":                       {},
		"go1.24.2 X:boringcrypto":         {},
		"go1.25.3 X:nodwarf5,greenteagc":  {},
		"go1.26.8-X:nodwarf5,cgocheck2":   {},
		"go1.26.8 (Red Hat 1.26.8-1.el9)": {},
		"go1.24.4 X:strictfipsruntime":    {},
		"go1.18.10b7":                     {},
		// it is the default there
		"go1.26.8-X:greenteagc":                 {"in the runtime of go1.26 is not known", without},
		"go1.26.8-X:quantumsched":               {"in the runtime of go1.26 is not known", dwarf},
		"go1.18.1 X:boringcrypto":               {"in the runtime of go1.18 is not known", dwarf},
		"go1.27rc1":                             {"go1.27rc1 is not a release", release},
		"go1.27":                                {"go1.27 snapshot is not a release", release},
		"go1.27-devel_0123abcd Mon Nov 23 2026": {"go1.27 devel is not a release", dwarf},
		"devel go1.26-0123abcd Mon Nov 23 2026": {"go1.26 devel is not a release", release},
		"go1.28.0":                              {"newer than go1.27", "newer gosched"},
		"devel go1.28-0123abcd Mon Nov 23 2026": {"newer than go1.27", dwarf},
		"go1.17.13":                             {"older than go1.18", "go1.18 or later"},
	} {
		v, err := parseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = v.tabled()
		if want.says == "" {
			if err != nil {
				t.Errorf("%s: %v", version, err)
			}
			continue
		}
		checkRefusal(t, version, err, want.says, want.advice)
	}
}

// TestExperimentsThatChangeStructs are refused without DWARF. No release has one; this one is made
// up.
func TestExperimentsThatChangeStructs(t *testing.T) {
	offsets.Experiments["largerg"] = offsets.Experiment{Same: []int{25}, Changed: map[int]string{26: "g.goid"}}
	t.Cleanup(func() { delete(offsets.Experiments, "largerg") })
	if _, _, err := (Version{Minor: 25, Experiments: "largerg"}).tabled(); err != nil {
		t.Error(err)
	}
	_, _, err := Version{Minor: 26, Experiments: "largerg"}.tabled()
	checkRefusal(t, "go1.26 with largerg", err,
		"GOEXPERIMENT=largerg changes structs of go1.26's runtime (g.goid)", "Leave its DWARF in it")
}

// checkRefusal wants an error with a sentence and advice.
func checkRefusal(t *testing.T, name string, err error, says, advice string) {
	t.Helper()
	var r *refusal
	if !errors.Is(err, ErrUnsupported) || !errors.As(err, &r) {
		t.Errorf("%s: %v, want a refusal with advice", name, err)
		return
	}
	if !strings.Contains(err.Error(), says) || !strings.Contains(r.Advice(), advice) {
		t.Errorf("%s: %v; advice %q; want %q and %q", name, err, r.Advice(), says, advice)
	}
}

// TestOtherCallingConventions are refused with DWARF too: it does not say where arguments are.
func TestOtherCallingConventions(t *testing.T) {
	for version, want := range map[string]struct{ says, advice string }{
		"go1.18.10 X:noregabiwrappers,noregabireflect,noregabiargs": {"noregabiwrappers",
			"without GOEXPERIMENT=noregabi"},
		"go1.18.10 X:noregabiargs":                           {"noregabiargs", "without GOEXPERIMENT=noregabi"},
		"go1.18 gccgo (Debian 12.2.0-14) 12.2.0 linux/amd64": {"gccgo", "Go project's compiler"},
	} {
		v, err := parseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		checkRefusal(t, version, v.callable(), want.says, want.advice)
	}
	if full {
		b := build{toolchain: "go1.18.10", arch: "arm64", mode: "plain", experiment: "noregabi"}
		_, err := Open(b.make(t))
		checkRefusal(t, b.String(), err, "noregabi", "without GOEXPERIMENT=noregabi")
	}
}
