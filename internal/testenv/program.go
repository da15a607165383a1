package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// Mode is a way to build a Go program.
type Mode string

// The build modes.
const (
	Plain    Mode = "plain"    // go build, without cgo
	Stripped Mode = "stripped" // -ldflags=-s -w: no symbol table, no DWARF
	Trimpath Mode = "trimpath" // -trimpath
	PIE      Mode = "pie"      // -buildmode=pie
	Cgo      Mode = "cgo"      // linked with the C runtime by the system's linker
	CgoPIE   Mode = "cgo-pie"  // both
	Static   Mode = "static"   // linked with a static C runtime
	PGO      Mode = "pgo"      // with a CPU profile of the program itself
)

type modeSpec struct {
	args []string
	cgo  bool
}

var modeSpecs = map[Mode]modeSpec{
	Plain:    {},
	Stripped: {args: []string{"-ldflags=-s -w"}},
	Trimpath: {args: []string{"-trimpath"}},
	PIE:      {args: []string{"-buildmode=pie"}},
	Cgo:      {args: []string{"-tags=forcecgo"}, cgo: true},
	CgoPIE:   {args: []string{"-tags=forcecgo", "-buildmode=pie"}, cgo: true},
	Static: {args: []string{"-tags=forcecgo,netgo,osusergo", "-ldflags=-linkmode=external -extldflags=-static"},
		cgo: true},
	PGO: {},
}

// Program is a program of testdata/progs, built by one toolchain in one mode.
type Program struct {
	Name      string   // its folder
	Toolchain string   // a Go version such as "go1.22.12"; empty: the toolchain that runs the test
	Mode      Mode     // empty: Plain
	GOARCH    string   // empty: the machine's own
	Env       []string // more of the environment of go build
}

func (p Program) String() string {
	s := []string{p.Name, p.Toolchain, string(p.Mode), p.GOARCH}
	return strings.Join(s, "-")
}

// Build builds the program, or finds it in the cache, and returns its path. It skips the test if
// the toolchain cannot be had here. Where GOSCHED_PREBUILT names a folder of programs, it builds
// nothing.
func Build(tb testing.TB, p Program) string {
	tb.Helper()
	if p.Mode == "" {
		p.Mode = Plain
	}
	if dir := os.Getenv(prebuiltEnv); dir != "" {
		return prebuilt(tb, filepath.Join(dir, p.String()))
	}
	if p.Toolchain == "" {
		p.Toolchain = goVersion(tb)
	}
	NeedToolchain(tb, p.Toolchain)
	path, err := build(Root(tb), p)
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// build looks the program up by a hash of all that goes into it; a lock file makes others wait who
// want the same.
func build(root string, p Program) (string, error) {
	src := filepath.Join(root, "testdata", "progs")
	sum, err := hashSources(src, p)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", p, err)
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, sum+".lock"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", p, err)
	}
	defer unlock()
	dir = filepath.Join(dir, sum)
	path := filepath.Join(dir, p.Name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", p, err)
	}
	if err := compile(root, src, dir, p); err != nil {
		return "", fmt.Errorf("build %s: %w", p, err)
	}
	return path, nil
}

// compile runs go build with a go.mod of the toolchain's own version, so that the program gets the
// runtime defaults of that version and not those of the go line in the repository.
func compile(root, src, dir string, p Program) error {
	mod := filepath.Join(dir, "go.mod")
	line := strings.TrimPrefix(version.Lang(p.Toolchain), "go")
	if err := os.WriteFile(mod, []byte("module gosched.test/progs\n\ngo "+line+"\n"), 0o644); err != nil {
		return err
	}
	tmp := filepath.Join(dir, p.Name+".tmp")
	args := []string{"build", "-o", tmp, "-modfile=" + mod}
	if p.Mode == PGO {
		profile, err := profile(root, dir, p)
		if err != nil {
			return err
		}
		args = append(args, "-pgo="+profile)
	}
	spec, ok := modeSpecs[p.Mode]
	if !ok {
		return fmt.Errorf("there is no build mode %q", p.Mode)
	}
	args = append(args, spec.args...)
	cmd := exec.Command("go", append(args, "./"+p.Name)...)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), buildEnv(p, spec)...)
	if err := run(cmd); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, p.Name))
}

func buildEnv(p Program, spec modeSpec) []string {
	env := []string{"GOTOOLCHAIN=" + p.Toolchain, "GOWORK=off", "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0"}
	if spec.cgo || p.Name == "cgo" {
		env = append(env, "CGO_ENABLED=1")
	}
	if version.Compare(p.Toolchain, "go1.18") < 0 {
		env = append(env, "GOFLAGS=")
	}
	if p.GOARCH != "" {
		env = append(env, "GOARCH="+p.GOARCH)
	}
	return append(env, p.Env...)
}

// profile runs a plain build of the program until it has enough samples, and returns the CPU
// profile's path.
func profile(root, dir string, p Program) (string, error) {
	p.Mode = Plain
	bin, err := build(root, p)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cpu.pprof")
	repeats := "1"
	if n, ok := profileRepeats[p.Name]; ok {
		repeats = n
	}
	return path, run(exec.Command(bin, "-repeat", repeats, "-cpuprofile", path))
}

// profileRepeats says how often a program does its work while it is profiled: about two seconds'
// worth.
var profileRepeats = map[string]string{
	"channels": "60", "selects": "30", "locks": "80", "timers": "5", "tcp": "30", "http": "20", "files": "8",
	"syscalls": "10", "yield": "100", "preempt": "3", "locked": "6", "coro": "100", "gc": "10", "stw": "30",
	"cgo": "15", "panics": "60", "many": "15", "synctest": "40",
}

// hashSources names a build: everything under src that can be in it, the toolchain, the mode and
// the environment.
func hashSources(src string, p Program) (string, error) {
	var files []string
	for _, dir := range []string{p.Name, "internal"} {
		err := filepath.WalkDir(filepath.Join(src, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	sort.Strings(files)
	sum, err := hashFiles(files...)
	if err != nil {
		return "", err
	}
	spec := modeSpecs[p.Mode]
	h := sha256.Sum256(fmt.Appendf(nil, "1 %s %s %q %v %q", sum, p, spec.args, spec.cgo, buildEnv(p, spec)))
	return p.String() + "-" + hex.EncodeToString(h[:8]), nil
}

func hashFiles(names ...string) (string, error) {
	h := sha256.New()
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "\x00%s %d\x00", filepath.Base(name), n)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// lock takes an exclusive lock on a file, which is made, and returns what gives it back.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}
