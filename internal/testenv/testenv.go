// Package testenv gives tests what they need from the machine: test programs built by any Go
// toolchain in any build mode, the gosched command, and the right to use BPF. What a machine truly
// cannot do is skipped by type; with GOSCHED_REQUIRE_BPF=1 in the environment it fails instead.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Root returns the folder of the module, where go.mod is.
func Root(tb testing.TB) string {
	tb.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("the test binary does not know where its source is")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

var gosched = sync.OnceValues(func() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	return buildInto(dir, "gosched", func(out string) error {
		cmd := exec.Command("go", "build", "-o", out, "./cmd/gosched")
		cmd.Dir = root
		return run(cmd)
	})
})

// Gosched builds the gosched command of this module, once for a test binary, and returns its path.
// In a folder of programs that are built, it is gosched.
func Gosched(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv(prebuiltEnv); dir != "" {
		return prebuilt(tb, filepath.Join(dir, "gosched"))
	}
	path, err := gosched()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// buildInto has build write a file and moves it to its place in dir, under a name with the hash of
// its content: a test that runs at the same time never sees half a file.
func buildInto(dir, name string, build func(out string) error) (string, error) {
	tmp, err := os.MkdirTemp(dir, name+".tmp")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, name)
	if err := build(out); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	sum, err := hashFiles(out)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	final := filepath.Join(dir, name+"-"+sum)
	if err := os.Rename(out, final); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return final, nil
}

// cacheDir is where built programs are kept between test runs.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache for test programs: %w", err)
	}
	dir := filepath.Join(base, "gosched", "testbin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache for test programs: %w", err)
	}
	return dir, nil
}

// run runs a command and returns its output as the error's text if it fails.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return err
}
