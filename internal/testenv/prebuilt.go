package testenv

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// prebuiltEnv names a folder with all programs that a test binary needs, for a machine that has
// neither a toolchain nor the sources: a guest.
const prebuiltEnv = "GOSCHED_PREBUILT"

// Guest says whether the test runs on such a machine.
func Guest() bool { return os.Getenv(prebuiltEnv) != "" }

// prebuilt is a program that has been built on another machine. One that is not there fails the
// test: whoever filled the folder chose the tests as well.
func prebuilt(tb testing.TB, path string) string {
	tb.Helper()
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%s=%s: %v", prebuiltEnv, filepath.Dir(path), err)
	}
	return path
}

// Prebuild builds the program for a processor and puts it where Build finds it on a machine on
// which GOSCHED_PREBUILT is dir.
func Prebuild(tb testing.TB, dir, goarch string, p Program) {
	tb.Helper()
	name := p.String()
	p.GOARCH = goarch
	if err := copyFile(filepath.Join(dir, name), Build(tb, p), 0o755); err != nil {
		tb.Fatalf("prebuild %s: %v", p, err)
	}
}

// PrebuildSource puts a file of a toolchain, named from its GOROOT, beside the programs.
func PrebuildSource(tb testing.TB, dir, toolchain, file string) {
	tb.Helper()
	from, to := filepath.Join(GOROOT(tb, toolchain), file), filepath.Join(dir, toolchain, file)
	if err := copyFile(to, from, 0o644); err != nil {
		tb.Fatalf("prebuild %s of %s: %v", file, toolchain, err)
	}
}

func copyFile(to, from string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return out.Close()
}
