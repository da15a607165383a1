package format

import (
	"net/netip"
	"strings"
)

// DescriptorKind is what a file descriptor is.
type DescriptorKind uint8

// The kinds of descriptors.
const (
	DescriptorOther DescriptorKind = iota
	DescriptorFile
	DescriptorPipe
	DescriptorTerminal
	DescriptorSocket
	DescriptorUDP
	DescriptorUnix

	NumDescriptorKinds = iota
)

// descriptorSpecs names the kinds of descriptors. A kind's name is the first word of the reason.
var descriptorSpecs = [NumDescriptorKinds]struct{ name, meaning string }{
	DescriptorOther:    {"other", "The kernel's word for something else: `anon_inode:[eventfd]`."},
	DescriptorFile:     {"file", "The path of a file or a device."},
	DescriptorPipe:     {"pipe", "The kernel's number of a pipe, both ends' own: `pipe:[1234]`. A FIFO is a file."},
	DescriptorTerminal: {"terminal", "The path of a terminal."},
	DescriptorSocket: {"socket", "The address of a TCP socket and, where it is connected, its peer's: " +
		"`10.0.0.1:80->10.0.0.2:4711`."},
	DescriptorUDP:  {"udp", "The same of a UDP socket."},
	DescriptorUnix: {"unix", "The path of a Unix socket, or the kernel's number of it: `socket:[1234]`."},
}

// String is the kind's name in a trace.
func (k DescriptorKind) String() string {
	if int(k) >= NumDescriptorKinds {
		k = DescriptorOther
	}
	return descriptorSpecs[k].name
}

// Descriptor is what a descriptor row says in its reason: "pipe:[1234] write", "file /x read",
// "socket 127.0.0.1:1->127.0.0.1:2 read".
type Descriptor struct {
	Kind  DescriptorKind
	Name  string // a path, the kernel's number, or addresses
	Write bool   // the goroutine writes to it, or makes a connection; false: it reads from it, or accepts one
}

// arrow stands between the addresses of a socket, its own first.
const arrow = "->"

// The last words of descriptors.
const (
	reads  = "read"
	writes = "write"
)

// SocketName is the name of a socket with these addresses.
func SocketName(local, peer netip.AddrPort) string {
	if !peer.IsValid() {
		return local.String()
	}
	return local.String() + arrow + peer.String()
}

// String is the descriptor as a row has it.
func (d Descriptor) String() string { return d.Text() + " " + d.Verb() }

// Text is the descriptor without the direction.
func (d Descriptor) Text() string {
	if d.Kind == DescriptorPipe {
		return d.Name // which says that it is one
	}
	return d.Kind.String() + " " + d.Name
}

// Verb says what the goroutine does with it: read or write.
func (d Descriptor) Verb() string {
	if d.Write {
		return writes
	}
	return reads
}

// ParseDescriptor reads what String wrote. It says false of any other text.
func ParseDescriptor(text string) (d Descriptor, ok bool) {
	space := strings.LastIndexByte(text, ' ')
	if space < 0 || text[space+1:] != reads && text[space+1:] != writes {
		return Descriptor{}, false
	}
	d.Write, text = text[space+1:] == writes, text[:space]
	if strings.HasPrefix(text, pipeName) {
		d.Kind, d.Name = DescriptorPipe, text
		return d, true
	}
	kind, name, ok := strings.Cut(text, " ")
	if !ok || name == "" {
		return Descriptor{}, false
	}
	for k := range DescriptorKind(NumDescriptorKinds) {
		if k != DescriptorPipe && kind == descriptorSpecs[k].name {
			d.Kind, d.Name = k, name
			return d, true
		}
	}
	return Descriptor{}, false
}

// pipeName is how the kernel's numbers of pipes begin.
const pipeName = "pipe:["

// Ends tells the two ends of what joins goroutines: a pipe, a connection. Channel is the same for
// both ends, and end is this one. Channel is empty where the other end cannot be told.
func (d Descriptor) Ends() (channel, end string) {
	switch d.Kind {
	case DescriptorPipe:
		return d.Name, d.Verb()
	case DescriptorSocket, DescriptorUDP:
		local, peer, ok := strings.Cut(d.Name, arrow)
		if !ok {
			return "", ""
		}
		return d.Kind.String() + " " + min(local, peer) + arrow + max(local, peer), local
	}
	return "", ""
}

// Meets says whether two descriptors are the two ends of one pipe or connection.
func (d Descriptor) Meets(other Descriptor) bool {
	channel, end := d.Ends()
	theirs, far := other.Ends()
	return channel != "" && channel == theirs && end != far
}

// MayMeet says whether its other end may be in the same process, as far as its name tells: a pipe,
// or a connection of an address with itself.
func (d Descriptor) MayMeet() bool {
	switch d.Kind {
	case DescriptorPipe, DescriptorUnix:
		return true
	case DescriptorSocket, DescriptorUDP:
		local, peer, _ := strings.Cut(d.Name, arrow)
		a, err := netip.ParseAddrPort(local)
		b, other := netip.ParseAddrPort(peer)
		return err == nil && other == nil && a.Addr().Unmap() == b.Addr().Unmap()
	}
	return false
}
