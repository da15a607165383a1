package gobin

import (
	"maps"
	"slices"
	"testing"
)

// synctestBuilds are programs that can open bubbles: those of go1.25 and later make goroutines in
// one more way.
func synctestBuilds() []build {
	list := []build{
		{toolchain: local, arch: "amd64", mode: "stripped", prog: "synctest"},
		{toolchain: "go1.27.4", arch: "arm64", mode: "plain", prog: "synctest"},
	}
	if full {
		for _, arch := range []string{"amd64", "arm64"} {
			for _, v := range toolchains[7:] {
				list = append(list, build{toolchain: v, arch: arch, mode: "stripped", prog: "synctest"})
			}
		}
	}
	return list
}

// TestEveryCallerOfNewproc1IsProbed looks through all code for calls of newproc1, which makes every
// goroutine, and wants a probe in each function that has one.
func TestEveryCallerOfNewproc1IsProbed(t *testing.T) {
	for _, b := range append(matrix(), synctestBuilds()...) {
		t.Run(b.String(), func(t *testing.T) {
			bin, err := Open(b.make(t))
			if err != nil {
				t.Fatal(err)
			}
			defer bin.Close()
			callers := callersOf(t, bin, "runtime.newproc1")
			want := 2 // newproc's and debugCallWrap's
			if b.prog == "synctest" || b.minor(t) >= 23 {
				want++ // synctestRun's or newcoro's
			}
			if len(callers) != want {
				t.Errorf("called by %q, want %d functions", slices.Sorted(maps.Keys(callers)), want)
			}
			probes, _, err := bin.Probes()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range probes {
				if p.Op == OpCreate || p.Op == OpCreateCoro {
					delete(callers, p.Func)
				}
			}
			if len(callers) > 0 {
				t.Errorf("not probed: %q", slices.Sorted(maps.Keys(callers)))
			}
		})
	}
}

// callersOf returns the functions of the runtime that call the named one.
func callersOf(t *testing.T, bin *Binary, callee string) map[string]bool {
	t.Helper()
	target, ok := bin.lookup(callee)
	if !ok {
		t.Fatalf("no function %s", callee)
	}
	callers := map[string]bool{}
	for name, fn := range bin.names {
		c, err := bin.decodeFunc(name, fn)
		if err == nil && name != callee && len(c.calls(target.Entry)) > 0 { // itself, after its stack grew
			callers[name] = true
		}
	}
	return callers
}
