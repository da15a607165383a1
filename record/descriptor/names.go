package descriptor

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/target"
)

// terminals are how the names of terminals' devices begin.
var terminals = []string{"/dev/pts/", "/dev/tty", "/dev/console"}

// describe says what a descriptor is by what the kernel calls it. Of a socket the addresses are
// still to be found.
func describe(name string) format.Descriptor {
	d := format.Descriptor{Kind: format.DescriptorOther, Name: clean(name)}
	switch {
	case strings.HasPrefix(name, "pipe:["):
		d.Kind = format.DescriptorPipe
	case strings.HasPrefix(name, "socket:["):
		d.Kind = format.DescriptorSocket
	case strings.HasPrefix(name, "/"):
		d.Kind = format.DescriptorFile
		for _, t := range terminals {
			if strings.HasPrefix(name, t) {
				d.Kind = format.DescriptorTerminal
			}
		}
	}
	return d
}

// clean makes a name fit for a trace: text, and not too long. The end of a path says most.
func clean(name string) string {
	name = strings.ToValidUTF8(name, "\ufffd")
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	return name
}

// sockets are those whose addresses are known, by inode.
type sockets struct {
	known  map[uint64]format.Descriptor
	wanted map[uint64]bool
	pace   pace
}

// find gives what is known of a socket. One that is not known will be looked for.
func (s *sockets) find(inode uint64) (format.Descriptor, bool) {
	d, ok := s.known[inode]
	if !ok && len(s.wanted) < maxSockets {
		s.wanted[inode] = true
	}
	return d, ok
}

// readSockets looks for sockets that are wanted, when it is time to. Addresses that a socket gets
// later are seen once all are forgotten.
func (l *Looker) readSockets() {
	s, began := &l.sockets, l.src.Now()
	if len(s.wanted) == 0 || !s.pace.due(began) {
		return
	}
	defer func() { s.pace.done(began, l.src.Now(), listShare) }()
	found, err := l.src.Process.Sockets(s.wanted)
	if err != nil {
		return
	}
	if len(s.known)+len(s.wanted) > maxSockets {
		clear(s.known)
	}
	for inode := range s.wanted {
		s.known[inode] = socket(inode, found[inode])
	}
	clear(s.wanted)
}

// socketKinds are the kinds of sockets by their networks.
var socketKinds = map[string]format.DescriptorKind{
	"tcp": format.DescriptorSocket, "udp": format.DescriptorUDP, "unix": format.DescriptorUnix,
}

// socket describes a socket; the zero Socket is one that is in none of the lists.
func socket(inode uint64, s target.Socket) format.Descriptor {
	number := fmt.Sprintf("socket:[%d]", inode)
	d := format.Descriptor{Kind: socketKinds[s.Network], Name: number}
	switch {
	case s.Path != "":
		d.Name = clean(s.Path)
	case s.Local.IsValid():
		d.Name = format.SocketName(s.Local, s.Peer)
	}
	return d
}
