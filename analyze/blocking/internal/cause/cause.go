// Package cause holds what goroutines waited for in the end: a Table of causes and of the waits
// that lead to them, in which equal ones are one, and the History of a goroutine or a P, its time
// by causes, in bounded memory. It knows nothing of how a cause is found or printed.
package cause

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Kind says what a stretch of time was spent on.
type Kind uint8

// The kinds of causes. The comment of package blocking defines them.
const (
	Unknown Kind = iota
	Running
	OffCPU
	Asleep
	Syscall
	Queued
	WakeUp
	STW
	Stopped
	Network
	Timer
	GC
	Runtime
	Held
	Wait // not a cause but a step on the way to one
	numKinds
)

var kindNames = [numKinds]string{
	Unknown: "unknown", Running: "running", OffCPU: "off CPU", Asleep: "asleep", Syscall: "syscall",
	Queued: "queued behind",
	WakeUp: "wake-up", STW: "stop-the-world", Stopped: "stopped", Network: "network",
	Timer: "timer", GC: "GC", Runtime: "runtime", Held: "P in syscall", Wait: "wait",
}

// partOf is the part of a scheduling delay that a kind of cause stands for, where it is one.
var partOf = map[Kind]replay.Part{
	Stopped: replay.PartStopped, STW: replay.PartSTW, OffCPU: replay.PartOffCPU, Queued: replay.PartAllBusy,
	GC: replay.PartAllBusy, Held: replay.PartSyscall, WakeUp: replay.PartWakeUp, Unknown: replay.PartUnknown,
}

// Part is the part of a scheduling delay that a cause of this kind stands for in one.
func (k Kind) Part() (replay.Part, bool) {
	part, ok := partOf[k]
	return part, ok
}

// String is the name that reports print.
func (k Kind) String() string {
	if k >= numKinds {
		return kindNames[Unknown]
	}
	return kindNames[k]
}

// Why says why something is not known.
type Why uint32

// The reasons.
const (
	WhyGap     Why = iota // events were lost, or not looked for
	WhyNever              // it had not ended when observation did
	WhyUnseen             // moves are missing from the trace
	WhyWaker              // the trace does not say who ended it
	WhyBefore             // the waker was not yet observed
	WhyHistory            // the waker's past was given up to bound memory
	WhyVarious            // too many different causes in one stretch
	WhyThreads            // of a delay: replay.PartUnknown
	numWhys
)

var whyNames = [numWhys]string{
	WhyGap: "events were lost, or not looked for", WhyNever: "not over when the recording ended",
	WhyUnseen:  "moves are missing from the trace",
	WhyWaker:   "the trace does not say who ended it",
	WhyBefore:  "what the waker did before is not in the trace",
	WhyHistory: "too long ago to be remembered", WhyVarious: "many small causes",
	WhyThreads: replay.PartUnknown.Meaning(),
}

// String is the name that reports print.
func (w Why) String() string {
	if w >= numWhys {
		return "unknown"
	}
	return whyNames[w]
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Site names a place where goroutines wait.
type Site uint32

// ID names a cause with the waits that lead to it. 0 is WhyGap.
type ID uint32

// Node is a cause, or a wait and what it waited for: a list that ends with a cause. Nodes are
// shared, so that equal ones have one id.
type Node struct {
	Key
	Leaf   ID    // the end of the list; of a cause itself
	Depth  uint8 // waits in the list
	Elided bool  // waits were left out between this one and its tail
}

// Key tells nodes apart.
type Key struct {
	Kind Kind
	// the stack; of OffCPU the name of who took the CPU; of Wait the Site; of Unknown the Why
	Where uint32
	// the reason, of Stopped the kernel's state; of Running and Queued the entry function, where
	// the stack is null
	What uint32
	Tail ID // of Wait
}

// packed is a Key as it is quickest to look up.
type packed [2]uint64

func (k *Key) packed() packed {
	return packed{uint64(k.Kind)<<32 | uint64(k.Where), uint64(k.What)<<32 | uint64(k.Tail)}
}

// MaxDepth is the most waits in a list.
const MaxDepth = 16

const maxNodes = 1 << 18 // 10 MB

// Table is all the causes and waits for them that a trace has shown.
type Table struct {
	list    []Node
	ids     map[packed]ID
	running replay.ByID[ID]           // by stack
	behind  replay.ByID[ID]           // by stack
	byEntry [numKinds]replay.ByID[ID] // of those without a stack, by kind and entry function
	syscall replay.ByID[ID]           // by stack, the latest
	held    replay.ByID[ID]           // as syscall
	offCPU  replay.ByID[ID]           // by name, the latest
	outside replay.ByID[ID]           // by stack, the latest
	named   [numKinds]replay.ByID[ID] // by kind and name
	WakeUp  ID                        // a P was free, or being handed on
	latest  [2048]waitNode            // some of the waits that were asked for of late
}

// NewTable makes a table that knows what is unknown.
func NewTable() *Table {
	n := &Table{ids: map[packed]ID{}}
	for u := range numWhys {
		n.intern(Key{Kind: Unknown, Where: uint32(u)})
	}
	n.WakeUp = n.intern(Key{Kind: WakeUp})
	return n
}

// Len is the number of nodes: every ID is below it.
func (n *Table) Len() int { return len(n.list) }

// At is a node, valid until the next one is made.
func (n *Table) At(id ID) *Node { return &n.list[id] }

// Unknown is something that is not known.
func (n *Table) Unknown(why Why) ID { return ID(why) }

// intern is the id of a cause. When there are too many it is the unknown.
func (n *Table) intern(key Key) ID {
	if id, ok := n.ids[key.packed()]; ok {
		return id
	}
	if len(n.list) >= maxNodes {
		return n.Unknown(WhyVarious)
	}
	id := ID(len(n.list))
	n.list = append(n.list, Node{Key: key, Leaf: id})
	n.ids[key.packed()] = id
	return id
}

// Code is a goroutine that runs, or in whose way of another that has the P: the stack is where it
// was when it was seen next.
func (n *Table) Code(kind Kind, stack format.StringID, entry replay.EntryID) ID {
	cache, key := &n.running, Key{Kind: kind, Where: uint32(stack)}
	if kind == Queued {
		cache = &n.behind
	}
	at := cache.At(uint32(stack))
	if stack == format.NullString {
		key.What = uint32(entry)
		at = n.byEntry[kind].At(uint32(entry))
	}
	if *at == 0 {
		*at = n.intern(key)
	}
	return *at
}

// Call is a system call, or C, at a stack: of a goroutine in it, or as Held of one that keeps a P.
func (n *Table) Call(kind Kind, reason, stack format.StringID) ID {
	cache := &n.syscall
	if kind == Held {
		cache = &n.held
	}
	at := cache.At(uint32(stack))
	if *at == 0 || n.list[*at].What != uint32(reason) {
		*at = n.intern(Key{Kind: kind, Where: uint32(stack), What: uint32(reason)})
	}
	return *at
}

// Outside is a wait that was ended from outside.
func (n *Table) Outside(kind Kind, stack format.StringID) ID {
	at := n.outside.At(uint32(stack))
	if *at == 0 || n.list[*at].Kind != kind {
		*at = n.intern(Key{Kind: kind, Where: uint32(stack)})
	}
	return *at
}

// Named is a cause of which the trace has only a name, such as a reason or a kernel's state.
func (n *Table) Named(kind Kind, name format.StringID) ID {
	at := n.named[kind].At(uint32(name))
	if *at == 0 {
		*at = n.intern(Key{Kind: kind, What: uint32(name)})
	}
	return *at
}

// Taken is a thread without a CPU, which a thread of that name had taken, with a goroutine of that
// entry function on it where it is known.
func (n *Table) Taken(by format.StringID, entry replay.EntryID) ID {
	at := n.offCPU.At(uint32(by))
	if *at == 0 || n.list[*at].What != uint32(entry) {
		*at = n.intern(Key{Kind: OffCPU, Where: uint32(by), What: uint32(entry)})
	}
	return *at
}

// Wait is a wait at a site for what tail is. Where the list would be too long, waits in the middle
// are left out.
func (n *Table) Wait(site Site, tail ID) ID {
	latest := &n.latest[(uint32(site)*31+uint32(tail))%uint32(len(n.latest))]
	if latest.id == 0 || latest.site != site || latest.tail != tail {
		*latest = waitNode{site, tail, n.newWait(site, tail)}
	}
	return latest.id
}

// waitNode is the id of a wait.
type waitNode struct {
	site Site
	tail ID
	id   ID
}

func (n *Table) newWait(site Site, tail ID) ID {
	key := Key{Kind: Wait, Where: uint32(site), Tail: tail}
	if id, ok := n.ids[key.packed()]; ok {
		return id
	}
	depth, elided := n.list[tail].Depth+1, false
	if depth > MaxDepth {
		key.Tail, depth, elided = n.list[tail].Leaf, 1, true
	}
	leaf := n.list[tail].Leaf
	id, known := n.ids[key.packed()]
	if !known {
		if len(n.list) >= maxNodes {
			return leaf
		}
		id = n.intern(key)
	}
	n.list[id].Leaf, n.list[id].Depth, n.list[id].Elided = leaf, depth, n.list[id].Elided || elided
	return id
}
