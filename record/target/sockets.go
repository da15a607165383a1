//go:build linux

package target

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Socket is a socket that the process's network namespace has.
type Socket struct {
	Network string         // "tcp", "udp" or "unix"
	Local   netip.AddrPort // of tcp and udp
	Peer    netip.AddrPort // not valid: it is not connected
	Path    string         // of unix; empty: it has none
}

// socketTables are the lists of sockets under /proc/PID/net, and where in their lines the inode is
// (Linux v5.10–v6.18 net/ipv4/tcp_ipv4.c, net/ipv4/udp.c, net/unix/af_unix.c).
var socketTables = []struct {
	file, network string
	inode         int
}{
	{"net/tcp", "tcp", 9}, {"net/tcp6", "tcp", 9}, {"net/unix", "unix", 6}, {"net/udp", "udp", 9},
	{"net/udp6", "udp", 9},
}

// Sockets finds sockets by their inodes. The lists have all sockets of the namespace and take about
// a microsecond for each. Those that are in none are left out.
func (p *Process) Sockets(inodes map[uint64]bool) (map[uint64]Socket, error) {
	found := make(map[uint64]Socket, len(inodes))
	for _, table := range socketTables {
		if len(found) == len(inodes) {
			break
		}
		f, err := os.Open(p.path(table.file))
		if errors.Is(err, os.ErrNotExist) && p.Alive() {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("process %d: list sockets: %w", p.pid, gone(err))
		}
		err = findSockets(f, table.network, table.inode, inodes, found)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("process %d: read %s: %w", p.pid, table.file, err)
		}
	}
	return found, nil
}

// findSockets reads a list of sockets. Of each line it looks at the inode first, for there are many.
func findSockets(list io.Reader, network string, column int, wanted map[uint64]bool, found map[uint64]Socket) error {
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) <= column {
			continue
		}
		inode, err := strconv.ParseUint(words[column], 10, 64)
		if err != nil || !wanted[inode] {
			continue
		}
		s := Socket{Network: network}
		if network == "unix" {
			s.Path = strings.Join(words[column+1:], " ")
		} else {
			s.Local, _ = parseAddress(words[1])
			if peer, ok := parseAddress(words[2]); ok && peer.Port() != 0 {
				s.Peer = peer
			}
		}
		found[inode] = s
	}
	return lines.Err()
}

// parseAddress reads "0100007F:1F90": words of the machine's byte order in hexadecimal, and the
// port. An IPv4 address in IPv6 is one of IPv4, as the other end has it.
func parseAddress(text string) (netip.AddrPort, bool) {
	hex, portText, ok := strings.Cut(text, ":")
	port, err := strconv.ParseUint(portText, 16, 16)
	if !ok || err != nil || len(hex) != 8 && len(hex) != 32 {
		return netip.AddrPort{}, false
	}
	raw := make([]byte, 0, 16)
	for i := 0; i < len(hex); i += 8 {
		word, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, false
		}
		raw = binary.NativeEndian.AppendUint32(raw, uint32(word))
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), ok
}
