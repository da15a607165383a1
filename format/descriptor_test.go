package format

import (
	"net/netip"
	"testing"
)

func TestDescriptorsAreReadAsTheyAreWritten(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("[::1]:4711")
	for text, d := range map[string]Descriptor{
		"pipe:[1234] write":                   {DescriptorPipe, "pipe:[1234]", true},
		"file /tmp/a b write read":            {DescriptorFile, "/tmp/a b write", false},
		"terminal /dev/pts/0 write":           {DescriptorTerminal, "/dev/pts/0", true},
		"socket 10.0.0.1:80->[::1]:4711 read": {DescriptorSocket, SocketName(a, b), false},
		"socket 10.0.0.1:80 read":             {DescriptorSocket, SocketName(a, netip.AddrPort{}), false},
		"unix socket:[7] write":               {DescriptorUnix, "socket:[7]", true},
		"other anon_inode:[eventfd] read":     {DescriptorOther, "anon_inode:[eventfd]", false},
	} {
		if got := d.String(); got != text {
			t.Errorf("%+v is %q; want %q", d, got, text)
		}
		if got, ok := ParseDescriptor(text); !ok || got != d {
			t.Errorf("%q is read as %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "file", "file /x", "file /x open", "file read", "wheel /x read",
		"pipe 7 read", " read"} {
		if d, ok := ParseDescriptor(text); ok {
			t.Errorf("%q is read as %+v", text, d)
		}
	}
}

func TestTheEndsOfADescriptorMeet(t *testing.T) {
	for _, c := range []struct {
		name, one, other string
		meet             bool
	}{
		{"a pipe", "pipe:[7] write", "pipe:[7] read", true},
		{"two pipes", "pipe:[7] write", "pipe:[8] read", false},
		{"two writers", "pipe:[7] write", "pipe:[7] write", false},
		{"a connection", "socket 1.1.1.1:2->3.3.3.3:4 write", "socket 3.3.3.3:4->1.1.1.1:2 read", true},
		{"both ends write", "socket 1.1.1.1:2->3.3.3.3:4 write", "socket 3.3.3.3:4->1.1.1.1:2 write", true},
		{"one end twice", "socket 1.1.1.1:2->3.3.3.3:4 write", "socket 1.1.1.1:2->3.3.3.3:4 read", false},
		{"another network", "socket 1.1.1.1:2->3.3.3.3:4 write", "udp 3.3.3.3:4->1.1.1.1:2 read", false},
		{"a listener", "socket 1.1.1.1:2 read", "socket 3.3.3.3:4->1.1.1.1:2 read", false},
		{"a file", "file /x write", "file /x read", false},
	} {
		one, ok1 := ParseDescriptor(c.one)
		other, ok2 := ParseDescriptor(c.other)
		if !ok1 || !ok2 {
			t.Fatal(c.name)
		}
		if one.Meets(other) != c.meet || other.Meets(one) != c.meet {
			t.Errorf("%s: %v meets %v: %v", c.name, one, other, !c.meet)
		}
	}
}

func FuzzParseDescriptor(f *testing.F) {
	f.Add("socket 1.1.1.1:2->3.3.3.3:4 write")
	f.Add("pipe:[ read")
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := ParseDescriptor(text); ok && d.String() != text {
			t.Errorf("%q becomes %q", text, d)
		}
	})
}

func TestTheOtherEndMayBeInTheProcess(t *testing.T) {
	for text, want := range map[string]bool{
		"pipe:[1] write": true, "unix socket:[1] write": true, "terminal /dev/pts/0 write": false,
		"file /x write":                         false,
		"socket 127.0.0.1:1->127.0.0.1:2 write": true, "socket [::1]:1->[::1]:2 write": true,
		"socket 10.0.0.1:1->10.0.0.2:2 write": false, "socket 10.0.0.1:1 read": false, "socket x->y read": false,
	} {
		d, ok := ParseDescriptor(text)
		if !ok || d.MayMeet() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}
