package stack

import (
	"slices"
	"strings"
)

// Direction is which way a goroutine moves data through a descriptor: a file, a pipe, a socket or a
// terminal.
type Direction uint8

// The directions.
const (
	DirectionNone Direction = iota // it moves none, or that cannot be told
	DirectionRead
	DirectionWrite
)

var directionNames = [...]string{DirectionNone: "", DirectionRead: "read", DirectionWrite: "write"}

// String is the direction's name, empty for DirectionNone.
func (d Direction) String() string {
	if int(d) >= len(directionNames) {
		return ""
	}
	return directionNames[d]
}

// Transfer is what a stack does to a descriptor at its leaf.
type Transfer struct {
	Direction Direction
	// Connects: it waits for a peer, with Accept for one that comes and with Dial for one that
	// answers, and moves no data yet.
	Connects bool
	// Queued: another goroutine is at work on the descriptor in this direction, and this one waits
	// for it to be done.
	Queued  bool
	File    bool // it goes through package os: a file, a pipe or a terminal
	Network bool // it goes through package net: a socket
}

// Transfers says whether data is to be moved.
func (t Transfer) Transfers() bool { return t.Direction != DirectionNone && !t.Connects }

// Writes says whether data is to be written.
func (t Transfer) Writes() bool { return t.Direction == DirectionWrite && !t.Connects }

// transfers are functions near the leaf of a stack that tell what it does to a descriptor
// (go1.18–1.27 src/internal/poll). The compiler inlines some of them and not others, so that both
// those that wait and those that call them are here.
var transfers = map[string]Transfer{
	"internal/poll.(*pollDesc).waitRead":  {Direction: DirectionRead},
	"internal/poll.(*pollDesc).waitWrite": {Direction: DirectionWrite},
	"internal/poll.(*FD).readLock":        {Direction: DirectionRead, Queued: true},
	"internal/poll.(*FD).writeLock":       {Direction: DirectionWrite, Queued: true},
	"internal/poll.(*FD).WaitWrite":       {Direction: DirectionWrite, Connects: true},
	"internal/poll.(*FD).Accept":          {Direction: DirectionRead, Connects: true},
	"internal/poll.SendFile":              {Direction: DirectionWrite},
}

// verbs are what names of functions that transfer data begin with, behind their package and
// receiver, in lower case and without "raw" (go1.18–1.27 src/internal/poll/fd_unix.go,
// src/syscall/zsyscall_linux_amd64.go).
var verbs = []struct {
	begin     string
	direction Direction
}{
	{"read", DirectionRead}, {"pread", DirectionRead}, {"recv", DirectionRead}, {"getdents", DirectionRead},
	{"write", DirectionWrite}, {"pwrite", DirectionWrite}, {"send", DirectionWrite}, {"fsync", DirectionWrite},
	{"fdatasync", DirectionWrite},
}

// notTransfers begin like transfers of data and are none.
var notTransfers = []string{"readlink", "writeunlock", "readunlock", "readwrite"}

// transferring are the packages whose functions tell a transfer by their names.
var transferring = []string{"internal/poll", "syscall", "golang.org/x/sys/unix", "internal/syscall/unix"}

// TransferOf is what a stack does to a descriptor at its leaf. It looks no further than the
// packages that do input and output: code that others called does not wait there.
func TransferOf(text string) Transfer {
	list := Frames(text)
	var found Transfer
	for i := len(list) - 1; i >= 0; i-- {
		function := Function(list[i])
		switch pkg := Package(function); {
		case slices.Contains(transferring, pkg):
			found = found.within(transferIn(function))
		case pkg == "os" || pkg == "net":
			found.File, found.Network = pkg == "os", pkg == "net"
			return found.orNone()
		case !strings.HasPrefix(pkg+"/", "runtime/") && !strings.HasPrefix(pkg, "internal/runtime/"):
			return found
		}
	}
	return found
}

// within adds what a function tells that called those that were seen. What is nearer to the leaf
// says the direction, as one that copies reads and writes; that it connects, only the caller says.
func (t Transfer) within(caller Transfer) Transfer {
	if t.Direction == DirectionNone {
		return caller
	}
	t.Connects = t.Connects || caller.Connects && caller.Direction == t.Direction
	return t
}

// orNone is the zero Transfer where there is no direction.
func (t Transfer) orNone() Transfer {
	if t.Direction == DirectionNone {
		return Transfer{}
	}
	return t
}

// transferIn is what a function's name tells.
func transferIn(function string) Transfer {
	if t, ok := transfers[function]; ok {
		return t
	}
	name := strings.ToLower(function[strings.LastIndexByte(function, '.')+1:])
	name = strings.TrimPrefix(name, "raw")
	for _, n := range notTransfers {
		if strings.HasPrefix(name, n) {
			return Transfer{}
		}
	}
	for _, v := range verbs {
		if strings.HasPrefix(name, v.begin) {
			return Transfer{Direction: v.direction}
		}
	}
	return Transfer{}
}
