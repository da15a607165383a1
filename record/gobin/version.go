package gobin

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// Version is a Go release, taken apart.
type Version struct {
	Minor, Patch int
	Pre          string // "rc1", "beta2", "devel" or "snapshot": not a release; empty for releases
	Experiments  string // GOEXPERIMENT as the version string shows it: "boringcrypto,nodwarf5"
}

var versionPattern = regexp.MustCompile(`^(devel )?go1\.(\d{1,3})(?:\.(\d{1,3}))?((?:rc|beta)\d{1,3})?(?:[-+ ].*)?$`)

// ParseVersion takes a runtime.Version string apart. Vendors' suffixes are ignored.
func ParseVersion(s string) (Version, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%w: Go version %.40q", ErrUnsupported, s)
	}
	var v Version
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	v.Pre = m[4]
	switch {
	case strings.Contains(s, "devel"):
		v.Pre = "devel"
	case v.Pre == "" && m[3] == "" && v.Minor >= 21: // releases have been numbered from .0 on since
		v.Pre = "snapshot"
	}
	if _, x, ok := strings.Cut(s, " X:"); ok {
		v.Experiments, _, _ = strings.Cut(x, " ")
	}
	return v, nil
}

// tabled returns the table's numbers for the version, or why there are none.
func (v Version) tabled() (offsets.Set, offsets.Release, error) {
	name := fmt.Sprintf("go1.%d", v.Minor)
	switch {
	case v.Minor < offsets.Oldest():
		return nil, offsets.Release{}, fmt.Errorf("%w: %s is older than go1.%d", ErrUnsupported, name, offsets.Oldest())
	case v.Minor > offsets.Newest():
		return nil, offsets.Release{}, fmt.Errorf("%w: %s is newer than go1.%d, the newest known, and the executable has no DWARF to learn from",
			ErrUnsupported, name, offsets.Newest())
	case v.Pre != "":
		return nil, offsets.Release{}, fmt.Errorf("%w: %s %s is not a release, and the executable has no DWARF to learn from", ErrUnsupported, name, v.Pre)
	}
	for _, x := range strings.Split(v.Experiments, ",") {
		if x != "" && !slices.Contains(offsets.Experiments[x], v.Minor) {
			return nil, offsets.Release{}, fmt.Errorf("%w: built with GOEXPERIMENT %.40q, whose effect on the runtime is not known, and without DWARF", ErrUnsupported, x)
		}
	}
	return offsets.Lookup(v.Minor)
}
