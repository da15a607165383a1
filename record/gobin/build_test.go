package gobin

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// build is a way to make a test program.
type build struct {
	toolchain string // "go1.26.8"
	arch      string
	mode      string // of modes
	prog      string // folder in testdata; "prog" if empty
	profile   string // file for profile-guided optimisation; none if empty

	experiment string // GOEXPERIMENT
	as         string // the version that it says of itself, as vendors' builds do; empty if its own
}

func (b build) String() string {
	s := []string{b.toolchain, b.arch, b.mode}
	for _, more := range []string{b.experiment, b.as} {
		if more != "" {
			s = append(s, more)
		}
	}
	return strings.Join(s, " ")
}

// modes are the arguments of go build, and whether cgo is on.
var modes = map[string]struct {
	args []string
	cgo  bool
}{
	"plain":         {nil, false},
	"stripped":      {[]string{"-ldflags=-s -w"}, false},
	"trimpath":      {[]string{"-trimpath"}, false},
	"pie":           {[]string{"-buildmode=pie"}, false},
	"pie stripped":  {[]string{"-buildmode=pie", "-ldflags=-s -w"}, false},
	"cgo":           {[]string{"-ldflags=-s -w"}, true},
	"cgo plain":     {nil, true},
	"cgo static":    {[]string{"-ldflags=-s -w -linkmode external -extldflags -static"}, true},
	"cgo pie":       {[]string{"-buildmode=pie", "-ldflags=-s -w"}, true},
	"cgo pie plain": {[]string{"-buildmode=pie"}, true},
	"library":       {[]string{"-buildmode=c-shared", "-ldflags=-s -w"}, true},
	"library plain": {[]string{"-buildmode=c-shared"}, true},
	"plugin":        {[]string{"-buildmode=plugin", "-ldflags=-s -w"}, true},
	"plugin plain":  {[]string{"-buildmode=plugin"}, true},
	"pgo":           {[]string{"-pgo=cpu.pprof", "-ldflags=-s -w"}, false},
	"pgo cgo":       {[]string{"-pgo=cpu.pprof", "-ldflags=-s -w"}, true},
}

// local is the toolchain that runs the tests, which needs no download.
var local = runtime.Version()

// toolchains are those of the full matrix: the newest patch of every minor version.
var toolchains = []string{
	"go1.18.10", "go1.19.13", "go1.20.14", "go1.21.13", "go1.22.12", "go1.23.12", "go1.24.13", "go1.25.14", "go1.26.8",
	"go1.27.4",
}

// full says whether the full matrix is wanted, which takes half an hour the first time.
var full = os.Getenv("GOSCHED_FULL_MATRIX") == "1"

// matrix returns the builds to test: a few that differ in what matters, or all.
func matrix() []build {
	if !full {
		list := []build{
			{toolchain: local, arch: "amd64", mode: "plain"}, {toolchain: local, arch: "amd64", mode: "stripped"},
			{toolchain: local, arch: "amd64", mode: "trimpath"}, {toolchain: local, arch: "amd64",
				mode: "pie stripped"},
			{toolchain: local, arch: "arm64", mode: "plain"}, {toolchain: local, arch: "arm64", mode: "pie stripped"},
			{toolchain: local, arch: "amd64", mode: "cgo"}, {toolchain: local, arch: "amd64", mode: "cgo pie plain"},
			{toolchain: "go1.27.4", arch: "amd64", mode: "stripped"}, {toolchain: "go1.27.4", arch: "arm64",
				mode: "plain"},
			{toolchain: "go1.22.12", arch: "amd64", mode: "pie stripped"}, {toolchain: "go1.22.12", arch: "amd64",
				mode: "plain"},
			{toolchain: "go1.18.10", arch: "amd64", mode: "plain"}, {toolchain: "go1.18.10", arch: "arm64",
				mode: "stripped"},
		}
		return list
	}
	var list []build
	for _, t := range toolchains {
		for _, arch := range []string{"amd64", "arm64"} {
			for _, mode := range []string{"plain", "stripped", "trimpath", "pie", "pie stripped"} {
				list = append(list, build{toolchain: t, arch: arch, mode: mode})
			}
		}
		for _, mode := range []string{"cgo", "cgo plain", "cgo static", "cgo pie", "cgo pie plain"} {
			list = append(list, build{toolchain: t, arch: "amd64", mode: mode})
		}
	}
	return list
}

// minor returns the toolchain's minor version.
func (b build) minor(t testing.TB) int {
	v, err := parseVersion(b.toolchain)
	if err != nil {
		t.Fatal(err)
	}
	return v.Minor
}

// stripped says whether the build has no symbols and no DWARF.
func (b build) stripped() bool {
	return strings.Contains(strings.Join(modes[b.mode].args, " "), "-s -w")
}

// sources returns the files to compile.
func (b build) sources(t testing.TB) []string {
	if b.prog != "" {
		return []string{"main.go"}
	}
	files := []string{"main.go", "more.go"}
	if b.minor(t) >= 23 {
		files[1] = "coro.go"
	}
	if modes[b.mode].cgo {
		files = append(files, "cgo.go")
	}
	return files
}

var building sync.Mutex

// make builds the program, or finds it built before in the user's cache, and returns its path.
func (b build) make(t testing.TB) string {
	t.Helper()
	prog := b.prog
	if prog == "" {
		prog = "prog"
	}
	src := filepath.Join("testdata", prog)
	building.Lock()
	defer building.Unlock()
	out := filepath.Join(cacheDir(t), b.key(t, src))
	if _, err := os.Stat(out); err == nil {
		return out
	}
	tmp := out + ".new"
	args := append([]string{"build", "-o", tmp}, modes[b.mode].args...)
	if b.profile != "" {
		args = append(args, "-pgo="+b.profile)
	}
	if b.as != "" {
		ldflags := "-ldflags=-X 'runtime.buildVersion=" + b.as + "'" // takes the place of the mode's
		if b.stripped() {
			ldflags += " -s -w"
		}
		args = append(args, ldflags)
	}
	cmd := exec.Command("go", append(args, b.sources(t)...)...)
	cmd.Dir = src
	cgo := "0"
	if modes[b.mode].cgo {
		cgo = "1"
		if _, err := exec.LookPath("gcc"); err != nil {
			t.Skip("no C compiler")
		}
	}
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+b.toolchain, "GOOS=linux", "GOARCH="+b.arch, "CGO_ENABLED="+cgo,
		"GOFLAGS=", "GOWORK=off",
		"GOEXPERIMENT="+b.experiment)
	if msg, err := cmd.CombinedOutput(); err != nil {
		if !full && bytes.Contains(msg, []byte("download "+b.toolchain)) {
			t.Skipf("toolchain %s is not here and can not be downloaded: %s", b.toolchain, msg)
		}
		t.Fatalf("build %s: %v\n%s", b, err, msg)
	}
	if err := os.Rename(tmp, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// cacheDir is where built programs are kept between runs of the tests.
func cacheDir(t testing.TB) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return t.TempDir()
	}
	dir = filepath.Join(dir, "gosched-testbin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// key names the built file after everything that it depends on.
func (b build) key(t testing.TB, src string) string {
	h := sha256.New()
	abs, err := filepath.Abs(src) // file names go into the program
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(h, b, modes[b.mode], abs)
	if b.profile != "" {
		data, err := os.ReadFile(b.profile)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(data)
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(src, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(h, e.Name(), len(data))
		h.Write(data)
	}
	name := strings.NewReplacer(" ", "-", "/", "-").Replace(b.String())
	return fmt.Sprintf("%s-%x", name, h.Sum(nil)[:8])
}

// eachBuild runs a test on every build of the matrix that want accepts; nil accepts all.
func eachBuild(t *testing.T, want func(build) bool, test func(t *testing.T, b build, bin *Binary, path string)) {
	for _, b := range matrix() {
		if want != nil && !want(b) {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			path := b.make(t)
			bin, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { bin.Close() })
			test(t, b, bin, path)
		})
	}
}
