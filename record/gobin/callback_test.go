package gobin

import (
	"os/exec"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

// crossCompilers compile C for the processors.
var crossCompilers = map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}

func TestFramesOfCallbacksFromCAreKnown(t *testing.T) {
	for _, test := range []struct {
		toolchain, arch string
		opened, caller  uint32
	}{
		{"go1.18.10", "amd64", 40, 16},
		{"go1.27.4", "amd64", 40, 16},
		{"go1.18.10", "arm64", 48, 48}, // the wrapper's frame: three arguments and the link register
		{"go1.26.8", "arm64", 48, 48},
		{"go1.27.4", "arm64", 112, 48}, // cgocallbackg's own
	} {
		t.Run(test.toolchain+" "+test.arch, func(t *testing.T) {
			cc := crossCompilers[test.arch]
			if _, err := exec.LookPath(cc); err != nil {
				t.Skip(err)
			}
			b, err := Open(testenv.Build(t, testenv.Program{
				Name: "cgo", Toolchain: test.toolchain, Mode: testenv.Static, GOARCH: test.arch,
				Env: []string{"CC=" + cc},
			}))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := b.Callback()
			if !ok || got.Opened != test.opened || got.Caller != test.caller || got.Code.Name != "runtime.cgocallback" {
				t.Errorf("%+v, %v; want %d and %d bytes", got, ok, test.opened, test.caller)
			}
		})
	}
}

func TestProgramWithoutCHasNoCallback(t *testing.T) {
	b, err := Open(testenv.Build(t, testenv.Program{Name: "channels"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := b.Callback(); ok {
		t.Errorf("found %+v", got)
	}
}
