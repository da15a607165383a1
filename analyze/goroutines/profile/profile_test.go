package profile_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines/profile"
)

// crash is what programs of several versions of Go print.
const crash = `panic: boom

goroutine 1 gp=0xc000002380 m=0 mp=0x5e4f60 [running, locked to thread]:
panic({0x45a9a0?, 0x48e6a8?})
	/usr/local/go/src/runtime/panic.go:884 +0x212
main.gen[...](0x1, {0x2, 0x3})
	/m.go:12 +0x1d fp=0xc00004 sp=0xc00003 pc=0x45
main.main()
	/m.go:9 +0x1d

goroutine 7 [chan receive (nil chan), 3 minutes, locked to thread]:
main.worker(...)
	/my code/m.go:20
...additional frames elided...
created by main.main
	/m.go:30 +0x45

goroutine 8 [select (leaked) (scan), 12 minutes labels:{"a": "x, y]", "b": "2"}]:
main.(*T).loop(0xc000012345)
	/m.go:40 +0x45
created by main.start.func1 in goroutine 7
	/m.go:50 +0x45

goroutine 9 [running]:
	goroutine running on other thread; stack unavailable
created by main.main in goroutine 1
	/m.go:31 +0x45

rax    0x0
exit status 2
`

func TestACrashIsRead(t *testing.T) {
	p, err := profile.Parse(strings.NewReader(crash))
	if err != nil {
		t.Fatal(err)
	}
	want := []profile.Group{
		{Count: 1, GoID: 1, State: "running", Locked: true, Stack: "main.main /m.go:9;main.gen[...] /m.go:12;panic " +
			"/usr/local/go/src/runtime/panic.go:884"},
		{Count: 1, GoID: 7, State: "chan receive (nil chan)", WaitMinutes: 3, Locked: true,
			Stack: "main.worker /my code/m.go:20", Elided: true, CreatedBy: "main.main /m.go:30"},
		{Count: 1, GoID: 8, State: "select", Leaked: true, WaitMinutes: 12, Labels: []profile.Label{{"a", "x, y]"},
			{"b", "2"}},
			Stack: "main.(*T).loop /m.go:40", CreatedBy: "main.start.func1 /m.go:50", Creator: 7},
		{Count: 1, GoID: 9, State: "running", Missing: "goroutine running on other thread; stack unavailable",
			CreatedBy: "main.main /m.go:31", Creator: 1},
	}
	if !reflect.DeepEqual(p.Groups, want) {
		t.Errorf("got\n%+v\nwant\n%+v", p.Groups, want)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	p, err := profile.Parse(strings.NewReader(crash))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := profile.WriteDump(&text, p); err != nil {
		t.Fatal(err)
	}
	again, err := profile.Parse(&text)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("the dump is read as %+v, %v; want %+v", again, err, p)
	}
	var packed bytes.Buffer
	if err := profile.WriteProtobuf(&packed, p); err != nil {
		t.Fatal(err)
	}
	again, err = profile.Parse(&packed)
	if err != nil || len(again.Groups) != len(p.Groups) || again.Encoding != profile.Protobuf {
		t.Fatalf("the protobuf is read as %+v, %v", again, err)
	}
	for i := range p.Groups {
		if again.Groups[i].Stack != p.Groups[i].Stack || !reflect.DeepEqual(again.Groups[i].Labels,
			p.Groups[i].Labels) {
			t.Errorf("the protobuf gives %+v, want %+v", again.Groups[i], p.Groups[i])
		}
	}
}

// TestTheThreeEncodingsOfOneProcessAgree parks goroutines and reads this process's own profiles.
func TestTheThreeEncodingsOfOneProcessAgree(t *testing.T) {
	stop, parked := make(chan bool), make(chan bool)
	for range 3 {
		go park(parked, stop)
		<-parked
	}
	defer close(stop)
	runtime.Gosched()
	for debug, encoding := range []profile.Encoding{profile.Protobuf, profile.Counted, profile.Dump} {
		var b bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&b, debug); err != nil {
			t.Fatal(err)
		}
		p, err := profile.Parse(&b)
		if err != nil {
			t.Fatalf("debug=%d: %v", debug, err)
		}
		var found int64
		for i := range p.Groups {
			if strings.Contains(profile.Key(p.Groups[i].Stack), "profile_test.park ") {
				found += p.Groups[i].Count
			}
		}
		if found != 3 || p.Encoding != encoding {
			t.Errorf("debug=%d is read as %s with %d of 3 goroutines", debug, p.Encoding, found)
		}
	}
}

func park(parked chan<- bool, stop <-chan bool) {
	parked <- true
	<-stop
}

func TestWhatIsNoGoroutineProfileIsRefused(t *testing.T) {
	var heap, bomb bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&heap, 0); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, profile.MaxBytes+2); err != nil {
		t.Fatal(err)
	}
	z.Close()
	for name, c := range map[string]struct{ data, want string }{
		"nothing":                {"", "empty"},
		"a heap profile":         {heap.String(), "not one of goroutines"},
		"a heap profile as text": {"heap profile: 1: 2 [3: 4] @ heap/1048576\n", "neither"},
		"a mutex profile":        {"mutex profile: total 3\n", "it is a mutex profile"},
		"a cut profile":          {"goroutine profile: total 3\n1 @ 0x1\n", "1 of 3"},
		"a story":                {"once upon a time", "neither"},
		"noise":                  {"\x00\x01\x02", "no "},
		"a bomb":                 {bomb.String(), "larger"},
	} {
		if _, err := profile.Parse(strings.NewReader(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestKeysAreTheSameHoweverAStackWasWrittenDown(t *testing.T) {
	for name, c := range map[string]struct{ stack, want string }{
		"the runtime's frames are left out": {"runtime.goexit /a.s:1;main.f /m.go:1;runtime.chanrecv " +
			"/c.go:2;runtime.gopark /p.go:3", "main.f /m.go:1"},
		"type arguments are left out": {"main.gen[go.shape.int;string] /m.go:1;main.(*T[go.shape.int]).f /m.go:2",
			"main.gen[...] /m.go:1;main.(*T[...]).f /m.go:2"},
		"a stack of the runtime is kept": {"runtime.bgsweep /s.go:1;runtime.goparkunlock /p.go:2;" +
			"runtime.gopark /p.go:3", "runtime.bgsweep /s.go:1"},
		"its root and wrappers are not": {"runtime.goexit /a.s:1;runtime.gcenable.gowrap1 " +
			"/g.go:1;runtime.bgsweep /s.go:1", "runtime.bgsweep /s.go:1"},
		"plumbing alone is kept": {"runtime.goexit /a.s:1;runtime.gopark /p.go:3",
			"runtime.goexit /a.s:1;runtime.gopark /p.go:3"},
		"wrappers are looked through": {"runtime.goexit /a.s:1;main.main.gowrap12 /m.go:9;main.(*T).run " +
			"<autogenerated>:1;main.T.run /m.go:1", "main.T.run /m.go:1"},
		"of a defer statement too": {"main.f /m.go:1;main.f.deferwrap1 /m.go:2;main.g /m.go:3",
			"main.f /m.go:1;main.g /m.go:3"},
		"a function that is called so": {"main.gowrap1 /m.go:9;main.T.run /m.go:1",
			"main.gowrap1 /m.go:9;main.T.run /m.go:1"},
	} {
		if got := profile.Key(c.stack); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// quit is what programs print of themselves at traceback level 2: threads' system stacks, wrappers,
// labels as Go 1.26 and 1.27 write them, and with GOTRACEBACK=crash a goroutine a second time, by
// the thread that runs it.
const quit = `SIGQUIT: quit
PC=0x4091ac m=0 sigcode=0

goroutine 0 gp=0x63a640 m=0 mp=0x63b400 [idle]:
runtime.futex(0x63b540, 0x80, 0x0)
	/go/src/runtime/sys_linux_amd64.s:557 +0x21 fp=0x7ffd sp=0x7ffc pc=0x4
runtime.mcall()
	/go/src/runtime/asm_amd64.s:459 +0x4e fp=0x7ffd sp=0x7ffc pc=0x5

goroutine 7 gp=0xc000007a40 m=nil [chan receive, 3 minutes, locked to thread]:
runtime.gopark(0x0?, 0x0?, 0x0?, 0x0?, 0x0?)
	/go/src/runtime/proc.go:462 +0xce fp=0x3a4 sp=0x3a3 pc=0x48
main.T.run(...)
	/m.go:4
main.(*T).run(0x1?, 0x2)
	<autogenerated>:1 +0x36 fp=0x3a5 sp=0x3a4 pc=0x49
main.main.gowrap3()
	/m.go:14 +0x33 fp=0x3a6 sp=0x3a5 pc=0x50
runtime.goexit({})
	/go/src/runtime/asm_amd64.s:1771 +0x1 fp=0x3a7 sp=0x3a6 pc=0x51
created by main.main in goroutine 1
	/m.go:14 +0x166

goroutine 8 gp=0xc000007a41 m=nil [IO wait] {a: "x y", b: "]: {", c: "\u00e9\n", d: , "g h": "v:w,z"}:
main.labelled(...)
	/m.go:5
created by main.main in goroutine 1
	/m.go:15 +0x166

goroutine 9 [select labels:{"a":"x] {y}"}]:
main.labelled(...)
	/m.go:5
created by main.main in goroutine 1
	/m.go:15 +0x166

goroutine 36 gp=0xc000007a42 m=6 mp=0xc000007a43 [running]:
	goroutine running on other thread; stack unavailable
created by main.main in goroutine 1
	/m.go:25 +0x276

-----

goroutine 36 gp=0xc000007a42 m=6 mp=0xc000007a43 [running]:
main.main.func2()
	/m.go:25 +0x30 fp=0x3a8 sp=0x3a7 pc=0x52
created by main.main in goroutine 1
	/m.go:25 +0x276
`

func TestADumpAtTracebackLevel2IsRead(t *testing.T) {
	p, err := profile.Parse(strings.NewReader(quit))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range p.Groups {
		got = append(got, fmt.Sprintf("%d %s: %s", g.GoID, g.State, profile.Key(g.Stack)))
	}
	want := []string{
		"7 chan receive: main.T.run /m.go:4", "8 IO wait: main.labelled /m.go:5", "9 select: main.labelled /m.go:5",
		"36 running: main.main.func2 /m.go:25",
	}
	if !slices.Equal(got, want) {
		t.Errorf("goroutines %q, want %q", got, want)
	}
	if g := p.Groups[0]; g.WaitMinutes != 3 || !g.Locked || g.Creator != 1 || g.CreatedBy != "main.main /m.go:14" {
		t.Errorf("the first is %+v", g)
	}
}

func TestAWrapperThatIsNamedLikeAClosureIsLookedThroughAtTheGoStatement(t *testing.T) {
	for name, c := range map[string]struct{ stack, createdBy, want string }{
		"a wrapper": {"runtime.goexit /a.s:1;main.main.func1 /m.go:9;main.work /m.go:20",
			"main.main /m.go:9", "main.work /m.go:20"},
		"a closure": {"runtime.goexit /a.s:1;main.main.func1 /m.go:10;main.work /m.go:20",
			"main.main /m.go:9", "runtime.goexit /a.s:1;main.main.func1 /m.go:10;main.work /m.go:20"},
		"nothing beneath it": {"main.main.func1 /m.go:9", "main.main /m.go:9", "main.main.func1 /m.go:9"},
		"who made it not known": {"main.main.func1 /m.go:9;main.work /m.go:20", "",
			"main.main.func1 /m.go:9;main.work /m.go:20"},
	} {
		g := profile.Group{Stack: c.stack, CreatedBy: c.createdBy}
		if got := g.Unwrapped(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// FuzzParse reads what it is given, and again what it wrote of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(crash))
	f.Add([]byte(quit))
	f.Add([]byte("goroutine profile: total 2\n2 @ 0x1 0x2\n# labels: {\"a\":\"b\"}\n#\t0x1\tmain.f+0x1\t\t/m.go:1\n"))
	var packed bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&packed, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profile.Parse(bytes.NewReader(data))
		if err != nil || p.Total() > 1000 {
			return
		}
		if err := profile.WriteProtobuf(io.Discard, p); err != nil {
			t.Fatal(err)
		}
		if p.Encoding != profile.Dump {
			return
		}
		var text bytes.Buffer
		if err := profile.WriteDump(&text, p); err != nil {
			t.Fatal(err)
		}
		again, err := profile.Parse(&text)
		if err != nil || len(again.Groups) != len(p.Groups) {
			t.Fatalf("%d goroutines were written, %v: %+v", len(p.Groups), err, again)
		}
	})
}
