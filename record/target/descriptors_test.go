//go:build linux

package target

import (
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestWhatAPollerWatchesIsRead(t *testing.T) {
	got := parsePolled([]byte("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1058\n" +
		"tfd:        5 events: 8000201d data: 3f9fe00af5000001  pos:0 ino:29 sdev:d\n" +
		"tfd:       17 events:       19 data:           673518  pos:0 ino:1058 sdev:e\n" +
		"tfd: five events: 19 data: 1\ntfd: 5 events: 19 data: x pos:0\ntfd:\n"))
	if want := []Polled{{5, 0x3f9fe00af5000001}, {17, 0x673518}}; !slices.Equal(got, want) {
		t.Errorf("parsePolled = %v; want %v", got, want)
	}
}

func TestTheSystemCallOfAThreadIsRead(t *testing.T) {
	want := Call{Number: 1, Args: [6]uint64{3, 0xc000123000, 64, 0, 0, 7}, SP: 0x7ffc, PC: 0x47}
	if got, ok := parseCall("1 0x3 0xc000123000 0x40 0x0 0x0 0x7 0x7ffc 0x47\n"); !ok || got != want {
		t.Errorf("parseCall = %+v, %v; want %+v", got, ok, want)
	}
	for _, line := range []string{
		"", "running\n", "-1 0x7ffc 0x47\n", "-1 0x3 0x1 0x2 0x0 0x0 0x7 0x7ffc 0x47",
		"1 0x3 three 0x40 0x0 0x0 0x7 0x7ffc 0x47",
	} {
		if call, ok := parseCall(line); ok {
			t.Errorf("%q is read as %+v", line, call)
		}
	}
}

func TestSocketsAreFoundByTheirInodes(t *testing.T) {
	const tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 11 2\n" +
		"   1: 0100007F:1F90 0200000A:0050 01 00000000:00000000 00:00000000 00000000     0 0 12 2\n" +
		"   2: 0100007F:1F91 0200000A:0050 01 00000000:00000000 00:00000000 00000000     0 0 13 2\n"
	const tcp6 = " 0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000001000000:0050 1 0:0 0:0 0 0 0 14\n"
	const unix = "Num       RefCount Protocol Flags    Type St Inode Path\n" +
		"00000000a71bbcd4: 00000003 00000000 00000000 0001 03  15\n" +
		"0000000059af6a14: 00000002 00000000 00010000 0001 01  16 /run/a socket\n"
	wanted, found := map[uint64]bool{11: true, 12: true, 14: true, 15: true, 16: true, 99: true}, map[uint64]Socket{}
	for _, list := range []struct{ text, network string }{{tcp, "tcp"}, {tcp6, "tcp"}, {unix, "unix"}} {
		column := 9
		if list.network == "unix" {
			column = 6
		}
		if err := findSockets(strings.NewReader(list.text), list.network, column, wanted, found); err != nil {
			t.Fatal(err)
		}
	}
	at := netip.MustParseAddrPort
	want := map[uint64]Socket{
		11: {Network: "tcp", Local: at("127.0.0.1:8080")},
		12: {Network: "tcp", Local: at("127.0.0.1:8080"), Peer: at("10.0.0.2:80")},
		14: {Network: "tcp", Local: at("127.0.0.1:8080"), Peer: at("[::1]:80")},
		15: {Network: "unix"}, 16: {Network: "unix", Path: "/run/a socket"},
	}
	if !maps.Equal(found, want) {
		t.Errorf("found %v; want %v", found, want)
	}
}

func TestADescriptorHasTheKernelsName(t *testing.T) {
	p := open(t, os.Getpid())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	name, err := p.Descriptor(int(r.Fd()))
	other, err2 := p.Descriptor(int(w.Fd()))
	if _, ok := Inode(name, "pipe"); err != nil || err2 != nil || !ok || name != other {
		t.Errorf("the ends of a pipe are %q, %v, and %q, %v", name, err, other, err2)
	}
	if p.DescriptorTable() <= int(w.Fd()) {
		t.Errorf("there is room for %d descriptors and %d is open", p.DescriptorTable(), w.Fd())
	}
	if tasks, err := p.Tasks(); err != nil || !slices.Contains(tasks, os.Getpid()) {
		t.Errorf("the threads are %v, %v", tasks, err)
	}
}

func FuzzParseDescriptors(f *testing.F) {
	f.Add("1 0x3 0xc000123000 0x40 0x0 0x0 0x7 0x7ffc 0x47")
	f.Add("tfd: 5 events: 8000201d data: 7f5c0b7e5e80 pos:0")
	f.Add("0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 11")
	f.Fuzz(func(t *testing.T, text string) {
		if call, ok := parseCall(text); ok && call.Number < 0 {
			t.Errorf("%q is call %d", text, call.Number)
		}
		parsePolled([]byte(text))
		_ = findSockets(strings.NewReader(text), "tcp", 9, map[uint64]bool{11: true}, map[uint64]Socket{})
	})
}
