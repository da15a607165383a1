package testenv

import (
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Toolchains are the Go releases that programs are tested with: the newest patch of every minor
// version.
var Toolchains = []string{
	"go1.18.10", "go1.19.13", "go1.20.14", "go1.21.13", "go1.22.12",
	"go1.23.12", "go1.24.13", "go1.25.14", "go1.26.8", "go1.27.4",
}

// Newest returns the n newest of Toolchains, the newest first.
func Newest(n int) []string {
	var newest []string
	for i := len(Toolchains) - 1; i >= 0 && len(newest) < n; i-- {
		newest = append(newest, Toolchains[i])
	}
	return newest
}

// AtLeast reports whether a toolchain is of the given version or later.
func AtLeast(toolchain, v string) bool { return version.Compare(toolchain, v) >= 0 }

var goroots sync.Map // toolchain → GOROOT, or an error

// GOROOT returns the folder of a toolchain, downloading it if need be. Where programs are
// prebuilt it is the folder that PrebuildSource filled.
func GOROOT(tb testing.TB, toolchain string) string {
	tb.Helper()
	if dir := os.Getenv(prebuiltEnv); dir != "" {
		return prebuilt(tb, filepath.Join(dir, toolchain))
	}
	NeedToolchain(tb, toolchain)
	dir, _ := goroots.Load(toolchain)
	return dir.(string)
}

// NeedToolchain skips the test if a toolchain is neither here nor to be downloaded; it fails the
// test if GOSCHED_FULL_MATRIX=1 asks for all of them.
func NeedToolchain(tb testing.TB, toolchain string) {
	tb.Helper()
	got, ok := goroots.Load(toolchain)
	if !ok {
		got, _ = goroots.LoadOrStore(toolchain, findToolchain(toolchain))
	}
	err, bad := got.(error)
	switch {
	case !bad:
	case os.Getenv("GOSCHED_FULL_MATRIX") == "1":
		tb.Fatalf("toolchain %s cannot be had: %v", toolchain, err)
	default:
		tb.Skipf("toolchain %s cannot be had: %v", toolchain, err)
	}
}

func findToolchain(toolchain string) any {
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = os.TempDir() // outside the module, whose go line may want a later toolchain
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok && len(exit.Stderr) > 0 {
			return &toolchainError{strings.TrimSpace(string(exit.Stderr))}
		}
		return &toolchainError{err.Error()}
	}
	return strings.TrimSpace(string(out))
}

type toolchainError struct{ text string }

func (e *toolchainError) Error() string { return e.text }

// Toolchain is the toolchain that a plain go build uses here.
func Toolchain(tb testing.TB) string {
	tb.Helper()
	return goVersion(tb)
}

// goVersion is the toolchain that a plain go build uses here.
func goVersion(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		tb.Fatalf("go env GOVERSION: %v", err)
	}
	return strings.TrimSpace(string(out))
}
