package gobin

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// Version is a Go release, taken apart.
type Version struct {
	Minor, Patch int
	Pre          string // "rc1", "beta2" or "devel": not a release; empty for releases
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
	if strings.Contains(s, "devel") {
		v.Pre = "devel"
	}
	if _, x, ok := strings.Cut(s, " X:"); ok {
		v.Experiments, _, _ = strings.Cut(x, " ")
	}
	return v, nil
}

// harmless are experiments of which offsetgen's programs, built with them, showed that they leave the structs alone.
var harmless = map[string]bool{
	"boringcrypto": true, "nodwarf5": true, "dwarf5": true, "jsonv2": true, "greenteagc": true, "nogreenteagc": true,
	"swissmap": true, "noswissmap": true, "loopvar": true, "rangefunc": true, "arenas": true, "synctest": true,
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
		if x != "" && !harmless[x] {
			return nil, offsets.Release{}, fmt.Errorf("%w: built with GOEXPERIMENT %.40q, whose effect on the runtime is not known, and without DWARF", ErrUnsupported, x)
		}
	}
	return offsets.Lookup(v.Minor)
}
