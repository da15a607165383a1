package stack

import (
	"slices"
	"testing"
)

const sample = "runtime.goexit /asm.s:1;main.(*pool[go.shape.struct { a int; b int }]).run " +
	"/src/pool.go:7;example.com/x/v2.(*T).F.func1 /src/x.go:8;sync.(*Mutex).Lock /go/mutex.go:9;runtime.gopark " +
	"/go/proc.go:10"

func TestStacksAreTakenApart(t *testing.T) {
	want := []string{
		"runtime.goexit /asm.s:1", "main.(*pool[go.shape.struct { a int; b int }]).run /src/pool.go:7",
		"example.com/x/v2.(*T).F.func1 /src/x.go:8",
		"sync.(*Mutex).Lock /go/mutex.go:9", "runtime.gopark /go/proc.go:10",
	}
	if got := Frames(sample); !slices.Equal(got, want) {
		t.Errorf("Frames = %q", got)
	}
	for _, c := range []struct{ what, got, want string }{
		{"the culprit", Culprit(sample), want[2]},
		{"its short form", Short(Culprit(sample)), "x/v2.(*T).F.func1 x.go:8"},
		{"the root", Root(sample), "main.(*pool[go.shape.struct { a int; b int }]).run"},
		{"a package with dots", Package("gopkg.in/yaml%2ev3.(*Decoder).Decode"), "gopkg.in/yaml%2ev3"},
		{"nothing", Culprit(""), ""},
		{"plumbing alone", Culprit("runtime.goexit a:1;net.(*conn).Read b:2"), "net.(*conn).Read b:2"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q; want %q", c.what, c.got, c.want)
		}
	}
	if OwnFrames(sample) != 2 || OwnFrames("") != 0 {
		t.Errorf("OwnFrames = %d, %d", OwnFrames(sample), OwnFrames(""))
	}
	if !IsSystem("runtime.bgsweep") || IsSystem("runtime.main") || IsSystem("main.main") ||
		IsSystem("runtime.cgocallback") {
		t.Error("IsSystem")
	}
}

func TestWhoCallsTheCulprit(t *testing.T) {
	for _, test := range []struct {
		stack, want string
		named       bool
	}{
		{"main.main m.go:1;main.scan m.go:5;main.busy m.go:9;time.Now t.go:1", "main.scan m.go:5", true},
		{"main.scan m.go:5;main.scan m.go:6", "", true},
		{"[truncated];main.scan m.go:5", "", true},
		{"[truncated];runtime.nanotime1 t.s:1", "", false},
		{"", "", false},
	} {
		if got := CallerOfCulprit(test.stack); got != test.want || Named(test.stack) != test.named {
			t.Errorf("of %q the caller is %q and Named %v; want %q and %v", test.stack, got, !test.named, test.want,
				test.named)
		}
	}
	if got := Culprit("[truncated];runtime.nanotime1 t.s:1"); got != "runtime.nanotime1 t.s:1" {
		t.Errorf("Culprit = %q", got)
	}
}
