package descriptor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// made is a process that a test makes up: words of memory by their addresses, descriptors by number.
type made struct {
	memory  map[uint64]uint64
	names   map[int]string
	polled  []target.Polled
	calls   map[int][]target.Call // what a thread is in, look by look; the last stays
	sockets map[uint64]target.Socket
	table   int
	onName  func() // happens when a name is asked for
	reads   int    // of memory
	denied  error  // what looking at threads gives
}

func (m *made) ReadMany(ranges []target.Range) error {
	for i := range ranges {
		ranges[i].OK = true
		m.reads++
		clear(ranges[i].Buf)
		for at := 0; at+8 <= len(ranges[i].Buf); at += 8 {
			word, ok := m.memory[ranges[i].Addr+uint64(at)]
			binary.LittleEndian.PutUint64(ranges[i].Buf[at:], word)
			ranges[i].OK = ranges[i].OK && (ok || at > 0)
		}
	}
	return nil
}

func (m *made) Descriptor(fd int) (string, error) {
	if m.onName != nil {
		m.onName()
	}
	name, ok := m.names[fd]
	if !ok {
		return "", target.ErrNoProcess
	}
	return name, nil
}

func (m *made) DescriptorTable() int                { return m.table }
func (m *made) Pollers() []int                      { return []int{4} }
func (m *made) Polled(int) ([]target.Polled, error) { return m.polled, nil }
func (m *made) Tasks() (tasks []int, err error) {
	for task := range m.calls {
		tasks = append(tasks, task)
	}
	return tasks, nil
}

func (m *made) Call(task int) (target.Call, bool, error) {
	calls := m.calls[task]
	if len(calls) > 1 {
		m.calls[task] = calls[1:]
	}
	return calls[0], true, m.denied
}

func (m *made) Sockets(wanted map[uint64]bool) (map[uint64]target.Socket, error) {
	return m.sockets, nil
}

// The layout of the made-up runtime, and its number of "IO wait".
var layout = gobin.Layout{
	G:    gobin.GLayout{AtomicStatus: 0, GoID: 8, WaitReason: 16},
	Poll: gobin.PollLayout{FD: 8, RG: 16, WG: 24},
}

const ioWait = 2

// goroutine puts one into memory.
func (m *made) goroutine(addr, goid, status, reason uint64) {
	m.memory[addr], m.memory[addr+8], m.memory[addr+16] = status, goid, reason
}

// poll puts a pollDesc into memory, and among what the poller watches.
func (m *made) poll(addr uint64, fd int, rg, wg uint64) {
	m.memory[addr+8], m.memory[addr+16], m.memory[addr+24] = uint64(fd), rg, wg
	m.polled = append(m.polled, target.Polled{FD: fd, Data: addr})
}

func newMade() *made {
	return &made{memory: map[uint64]uint64{}, names: map[int]string{}, calls: map[int][]target.Call{}, table: 64}
}

// look gives what some looks see, a tenth of a second apart.
func (m *made) look(t *testing.T, looks int) (seen []string, l *Looker) {
	t.Helper()
	now := int64(0)
	l = New(Source{Process: m, Layout: &layout, WaitReason: ioWait, Now: func() int64 { return now }})
	for range looks {
		sightings, err := l.Look()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sightings {
			seen = append(seen, fmt.Sprintf("g%d t%d %d %v", s.GoID, s.Task, s.FD, s.What))
		}
		now += 1e8
	}
	return seen, l
}

func TestOnlyWhatIsProvedIsTold(t *testing.T) {
	const poll, g = 0x1000, 0x2000
	for _, c := range []struct {
		name string
		make func(*made)
		want string
	}{
		{"one that reads", func(*made) {}, "g7 t0 5 pipe:[9] read"},
		{"one that writes", func(m *made) { m.poll(poll, 5, 0, g) }, "g7 t0 5 pipe:[9] write"},
		{"one whose status is being scanned", func(m *made) { m.goroutine(g, 7, gWaiting|gScan, ioWait) },
			"g7 t0 5 pipe:[9] read"},
		{"nobody waits", func(m *made) { m.poll(poll, 5, 1, 2) }, ""},
		{"it waits for something else", func(m *made) { m.goroutine(g, 7, gWaiting, 3) }, ""},
		{"it does not wait", func(m *made) { m.goroutine(g, 7, 2, ioWait) }, ""},
		{"it is no goroutine", func(m *made) { m.goroutine(g, 0, gWaiting, ioWait) }, ""},
		{"the poller's data is no pollDesc", func(m *made) { m.memory[poll+8] = 6 }, ""},
		{"the descriptor is closed", func(m *made) { delete(m.names, 5) }, ""},
		{"it is woken meanwhile", func(m *made) { m.onName = func() { m.memory[poll+16] = 1 } }, ""},
		{"the pollDesc is another descriptor's meanwhile", func(m *made) { m.onName = func() { m.memory[poll+8] = 6 } },
			""},
		{"another waits meanwhile", func(m *made) { m.onName = func() { m.memory[poll+16] = 0x3000 } }, ""},
		{"the list is too long", func(m *made) { m.table = maxPolled + 1 }, ""},
	} {
		m := newMade()
		m.goroutine(g, 7, gWaiting, ioWait)
		m.poll(poll, 5, g, 0)
		m.names[5] = "pipe:[9]"
		c.make(m)
		if got, _ := m.look(t, 1); strings.Join(got, ", ") != c.want {
			t.Errorf("%s: told %q; want %q", c.name, got, c.want)
		}
	}
}

func TestASystemCallIsToldIfItGoesOn(t *testing.T) {
	read := target.Call{Number: 63, Args: [6]uint64{5}, SP: 1} // on arm64; see below
	for n := range 400 {
		c := target.Call{Number: n}
		if write, ok := c.Transfers(); ok && !write {
			read.Number = n
			break
		}
	}
	later := read
	later.SP = 2
	for _, c := range []struct {
		name  string
		calls []target.Call
		want  string
	}{
		{"the same", []target.Call{read}, "g0 t3 5 file /x read"},
		{"another", []target.Call{read, later}, ""},
		{"none of a descriptor", []target.Call{{Number: 100000}}, ""},
	} {
		m := newMade()
		m.names[5] = "/x"
		m.calls[3] = c.calls
		if got, _ := m.look(t, 1); strings.Join(got, ", ") != c.want {
			t.Errorf("%s: told %q; want %q", c.name, got, c.want)
		}
	}
}

func TestASocketIsToldOnceItsAddressesAreKnown(t *testing.T) {
	m := newMade()
	m.goroutine(0x2000, 7, gWaiting, ioWait)
	m.poll(0x1000, 5, 0x2000, 0)
	m.names[5] = "socket:[9]"
	m.sockets = map[uint64]target.Socket{9: {Network: "unix", Path: "/run/x"}}
	if got, _ := m.look(t, 2); !slices.Equal(got, []string{"g7 t0 5 unix /run/x read"}) {
		t.Errorf("told %q", got)
	}
}

func TestALookIsBoundedAndTheNextGoesOn(t *testing.T) {
	m := newMade()
	const n = 3 * maxPolls
	for i := range uint64(n) {
		m.goroutine(0x1000000+i*64, 1+i, gWaiting, ioWait)
		m.poll(0x2000000+i*64, int(i), 0x1000000+i*64, 0)
		m.names[int(i)] = "pipe:[9]"
	}
	_, l := m.look(t, 1)
	m.reads = 0
	seen := map[int64]bool{}
	const looks = n / maxWaits * 2
	for range looks {
		sightings, err := l.Look()
		if err != nil || len(sightings) > maxWaits {
			t.Fatalf("a look tells %d, %v", len(sightings), err)
		}
		for _, s := range sightings {
			seen[s.GoID] = true
		}
	}
	if most := looks * (maxPolls + 2*maxWaits); m.reads > most {
		t.Errorf("%d looks read %d structs; want %d at most", looks, m.reads, most)
	}
	if len(seen) < n*9/10 {
		t.Errorf("of %d goroutines %d were told", n, len(seen))
	}
}

func TestWhatMayNotBeLookedAtIsAnError(t *testing.T) {
	m := newMade()
	m.calls[3], m.denied = []target.Call{{}}, errors.New("no permission")
	l := New(Source{Process: m, Layout: &layout, WaitReason: ioWait, Now: func() int64 { return 0 }})
	if _, err := l.Look(); !errors.Is(err, m.denied) {
		t.Errorf("Look gives %v", err)
	}
}

func TestNamesAreFitForATrace(t *testing.T) {
	for name, want := range map[string]string{
		"/dev/pts/3": "terminal /dev/pts/3 read", "/dev/null": "file /dev/null read", "pipe:[1]": "pipe:[1] read",
		"anon_inode:[eventfd]": "other anon_inode:[eventfd] read", "/a\nb\xff": "file /a\ufffdb\ufffd read",
		"/" + strings.Repeat("é", maxName): "file " + strings.Repeat("é", maxName/2) + " read",
	} {
		if got := describe(name).String(); got != want {
			t.Errorf("%q is %q; want %q", name, got, want)
		}
	}
}

func TestOfManyWhoWriteEachHasItsTurn(t *testing.T) {
	m := newMade()
	const n = 3 * maxWaits
	for i := range uint64(n) { // each has somebody who reads too
		m.goroutine(0x1000000+i*64, 1+i, gWaiting, ioWait)
		m.goroutine(0x3000000+i*64, 1+n+i, gWaiting, ioWait)
		m.poll(0x2000000+i*64, int(i), 0x3000000+i*64, 0x1000000+i*64)
		m.names[int(i)] = "pipe:[9]"
	}
	seen, _ := m.look(t, 3)
	slices.Sort(seen)
	if got := len(slices.Compact(seen)); got != n {
		t.Errorf("three looks at %d goroutines each told %d of the %d that write", maxWaits, got, n)
	}
}
