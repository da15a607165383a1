package gobin

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// Version is a Go version, taken apart.
type Version struct {
	Minor, Patch int
	Pre          string // "rc1", "beta2", "devel" or "snapshot": not a release; empty for releases
	Vendor       string // what others than the Go project added: "Red Hat 1.26.8-1.el9", "google", "b7"
	Experiments  string // GOEXPERIMENT as the version string shows it: "boringcrypto,nodwarf5"
}

// versionPattern has the parts devel, minor, patch, pre-release and the rest.
var versionPattern = regexp.MustCompile(
	`^(devel )?go1\.(\d{1,3})(?:\.(\d{1,3}))?((?:rc|beta)\d{1,3})?(b\d{1,3}.*|[-+ ].*)?$`)

// experimentsPattern is what the linker appends: up to go1.25, and where the version has a hyphen
// already, after a space, else after a hyphen (src/cmd/link/internal/ld/main.go, go1.26).
var experimentsPattern = regexp.MustCompile(`[- ]X:(\S+)`)

// parseVersion takes a runtime.Version string apart.
func parseVersion(s string) (Version, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%w: Go version %.40q", ErrUnsupported, s)
	}
	var v Version
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	v.Pre = m[4]
	rest := m[5]
	for _, x := range experimentsPattern.FindAllStringSubmatch(rest, -1) {
		v.Experiments = strings.TrimPrefix(v.Experiments+","+x[1], ",")
	}
	rest = experimentsPattern.ReplaceAllString(rest, "")
	switch {
	case strings.Contains(rest, "X:"):
		return Version{}, fmt.Errorf("%w: Go version %.40q", ErrUnsupported, s)
	case m[1] != "" || strings.Contains(rest, "devel"):
		v.Pre, rest = "devel", "" // what remains is a commit and a date
	case v.Pre == "" && m[3] == "" && v.Minor >= 21: // releases have been numbered from .0 on since
		v.Pre = "snapshot"
	}
	v.Vendor = strings.Trim(rest, " -+()")
	return v, nil
}

// name is the version without what vendors added, such as "go1.27rc1" or "go1.26.8".
func (v Version) name() string {
	switch {
	case v.Pre == "devel" || v.Pre == "snapshot":
		return fmt.Sprintf("go1.%d %s", v.Minor, v.Pre)
	case v.Patch == 0 && v.Pre != "":
		return fmt.Sprintf("go1.%d%s", v.Minor, v.Pre)
	}
	return fmt.Sprintf("go1.%d.%d%s", v.Minor, v.Patch, v.Pre)
}

// experiments returns the GOEXPERIMENT values.
func (v Version) experiments() []string {
	return strings.FieldsFunc(v.Experiments, func(r rune) bool { return r == ',' })
}

// keepDWARF is the advice where DWARF tells what the table of releases can not.
const keepDWARF = "Leave its DWARF in it: build it without -s and -w in -ldflags, and do not strip it."

// stackArguments are the GOEXPERIMENT values that have functions take their arguments from the
// stack: go1.18 src/internal/buildcfg/exp.go, on arm64 alone; later releases ignore them.
var stackArguments = []string{"noregabiwrappers", "noregabireflect", "noregabiargs"}

// callable refuses programs whose functions do not take their arguments as the probes expect.
func (v Version) callable() error {
	for _, x := range v.experiments() {
		if slices.Contains(stackArguments, x) {
			return refuse("Build it without GOEXPERIMENT=noregabi.",
				"%w: with GOEXPERIMENT=%s functions get their arguments where the probes do not look", ErrUnsupported,
				x)
		}
	}
	if v.Vendor == "gccgo" || strings.HasPrefix(v.Vendor, "gccgo ") {
		return refuse("Build it with the Go project's compiler.",
			"%w: compiled by gccgo, whose runtime is another one", ErrUnsupported)
	}
	return nil
}

// vendorExperiments are values of GOEXPERIMENT that vendors' toolchains add, all about where
// cryptography comes from: Red Hat's (golang-fips) the first, Microsoft's build of Go the others.
var vendorExperiments = []string{
	"strictfipsruntime", "systemcrypto", "nosystemcrypto", "opensslcrypto", "ms_nocgo_opensslcrypto",
}

// vendored says whether the toolchain is said to be changed by others than the Go project. What the
// table of releases says is then believed only as far as the executable's code shows it.
func (v Version) vendored() bool {
	return v.Vendor != "" || slices.ContainsFunc(v.experiments(), func(x string) bool {
		return slices.Contains(vendorExperiments, x)
	})
}

// tabled returns the table's numbers for the version, or why there are none for an executable
// without DWARF.
func (v Version) tabled() (offsets.Set, offsets.Release, error) {
	oldest, newest := offsets.Oldest(), offsets.Newest()
	switch {
	case v.Minor < oldest:
		return nil, offsets.Release{}, refuse(fmt.Sprintf("Build it with go1.%d or later.", oldest),
			"%w: go1.%d is older than go1.%d", ErrUnsupported, v.Minor, oldest)
	case v.Minor > newest:
		return nil, offsets.Release{}, refuse(keepDWARF+" Or use a newer gosched.",
			"%w: go1.%d is newer than go1.%d, the newest known, and the executable has no DWARF to learn from",
			ErrUnsupported, v.Minor, newest)
	case v.Pre != "":
		return nil, offsets.Release{}, refuse(keepDWARF+" Or build it with a release.",
			"%w: %s is not a release, and the executable has no DWARF to learn from", ErrUnsupported, v.name())
	}
	for _, x := range v.experiments() {
		if err := v.tabledWith(x); err != nil {
			return nil, offsets.Release{}, err
		}
	}
	return offsets.Lookup(v.Minor)
}

// tabledWith says why the table's numbers are not those of a program built with an experiment.
func (v Version) tabledWith(experiment string) error {
	x := offsets.Experiments[experiment]
	advice := keepDWARF + " Or build it without that experiment."
	switch {
	case slices.Contains(x.Same, v.Minor), slices.Contains(vendorExperiments, experiment):
		return nil
	case x.Changed[v.Minor] != "":
		return refuse(advice, "%w: GOEXPERIMENT=%s changes structs of go1.%d's runtime (%s), "+
			"and the executable has no DWARF to learn from", ErrUnsupported, experiment, v.Minor, x.Changed[v.Minor])
	}
	return refuse(advice, "%w: what GOEXPERIMENT=%.40s changes in the runtime of go1.%d is not known, "+
		"and the executable has no DWARF to learn from", ErrUnsupported, experiment, v.Minor)
}
