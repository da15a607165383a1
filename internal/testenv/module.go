package testenv

import (
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BuildPlugin builds the program plugged and its plugin with a toolchain, empty: the one that runs
// the test.
func BuildPlugin(tb testing.TB, toolchain string) (host, plugin string) {
	tb.Helper()
	m := newModuleBuild(tb, toolchain)
	return m.goBuild("plugged", "./plugged"), m.goBuild("plugin.so", "./plugged/plugin", "-buildmode=plugin")
}

// CLibrary is a Go library for C programs, and the same C program linked with it, and opening it as
// it runs.
type CLibrary struct{ Library, Linked, Opens string }

// BuildCLibrary builds clibrary and its callers with a toolchain, empty: the one that runs the
// test.
func BuildCLibrary(tb testing.TB, toolchain string) CLibrary {
	tb.Helper()
	m := newModuleBuild(tb, toolchain)
	lib := m.goBuild("libcalled.so", "./clibrary", "-buildmode=c-shared")
	return CLibrary{
		Library: lib,
		Linked:  m.cBuild("linked", lib, "-Wl,-rpath,"+m.out),
		Opens:   m.cBuild("opens", "-DOPENS", "-ldl"),
	}
}

// moduleBuild builds what consists of several files, in a folder of the test's own.
type moduleBuild struct {
	tb             testing.TB
	toolchain, out string
	src            string
}

func newModuleBuild(tb testing.TB, toolchain string) *moduleBuild {
	tb.Helper()
	if toolchain == "" {
		toolchain = goVersion(tb)
	}
	NeedToolchain(tb, toolchain)
	if _, err := exec.LookPath("gcc"); err != nil {
		Lacking(tb, "there is no C compiler: "+err.Error())
	}
	m := &moduleBuild{tb, toolchain, tb.TempDir(), filepath.Join(Root(tb), "testdata", "progs")}
	line := strings.TrimPrefix(version.Lang(toolchain), "go")
	if err := os.WriteFile(m.mod(), []byte("module gosched.test/progs\n\ngo "+line+"\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	return m
}

func (m *moduleBuild) mod() string { return filepath.Join(m.out, "go.mod") }

func (m *moduleBuild) goBuild(name, pkg string, args ...string) string {
	m.tb.Helper()
	path := filepath.Join(m.out, name)
	cmd := exec.Command("go", append([]string{"build", "-o", path, "-modfile=" + m.mod()}, append(args, pkg)...)...)
	cmd.Env = append(os.Environ(), buildEnv(Program{Toolchain: m.toolchain}, modeSpec{cgo: true})...)
	return m.run(cmd, path)
}

func (m *moduleBuild) cBuild(name string, args ...string) string {
	m.tb.Helper()
	path := filepath.Join(m.out, name)
	args = append([]string{"-O1", "-o", path, "clibrary/caller/main.c"}, args...)
	return m.run(exec.Command("gcc", append(args, "-lpthread")...), path)
}

func (m *moduleBuild) run(cmd *exec.Cmd, path string) string {
	m.tb.Helper()
	cmd.Dir = m.src
	if err := run(cmd); err != nil {
		m.tb.Fatal(err)
	}
	return path
}
