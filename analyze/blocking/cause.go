package blocking

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Kind says what a stretch of time was spent on.
type Kind uint8

// The kinds of causes. The package comment defines them.
const (
	KindUnknown Kind = iota
	KindRunning
	KindOffCPU
	KindAsleep
	KindSyscall
	KindBehind
	KindWaking
	KindStopped
	KindSuspended
	KindNetwork
	KindTimer
	KindGC
	KindRuntime
	kindWait // not a cause but a step on the way to one
	numKinds
)

var kindNames = [numKinds]string{
	KindUnknown: "unknown", KindRunning: "running", KindOffCPU: "off CPU", KindAsleep: "asleep", KindSyscall: "syscall",
	KindBehind: "behind",
	KindWaking: "waking", KindStopped: "stop-the-world", KindSuspended: "suspended", KindNetwork: "network",
	KindTimer: "timer", KindGC: "GC", KindRuntime: "runtime", kindWait: "wait",
}

// String is the name that reports print.
func (k Kind) String() string {
	if k >= numKinds {
		return kindNames[KindUnknown]
	}
	return kindNames[k]
}

// unknown says why something is not known.
type unknown uint32

const (
	unknownGap     unknown = iota // events were lost
	unknownNever                  // it had not ended when observation did
	unknownUnseen                 // moves are missing from the trace
	unknownWaker                  // the trace does not say who ended it
	unknownBefore                 // the waker was not yet observed
	unknownHistory                // the waker's past was given up to bound memory
	unknownVarious                // too many different causes in one stretch
	numUnknowns
)

var unknownNames = [numUnknowns]string{
	unknownGap: "events were lost", unknownNever: "not over when the recording ended",
	unknownUnseen:  "moves are missing from the trace",
	unknownWaker:   "the trace does not say who ended it",
	unknownBefore:  "what the waker did before is not in the trace",
	unknownHistory: "too long ago to be remembered", unknownVarious: "many small causes",
}

// nodeID names a cause with the waits that lead to it. 0 is unknownGap.
type nodeID uint32

// node is a cause, or a wait and what it waited for: a list that ends with a cause. Nodes are
// shared, so that equal ones have one id.
type node struct {
	nodeKey
	leaf   nodeID // the end of the list; of a cause itself
	depth  uint8  // waits in the list
	elided bool   // waits were left out between this one and its tail
}

type nodeKey struct {
	kind Kind
	// the stack; of KindOffCPU the name of who took the CPU; of kindWait the site; of KindUnknown
	// the unknown
	where uint32
	// the reason, of KindSuspended the kernel's state; of KindRunning and KindBehind the entry
	// function, where the stack is null
	what uint32
	tail nodeID // of kindWait
}

const (
	maxDepth = 16      // waits in a list
	maxNodes = 1 << 18 // 10 MB
)

// nodes are all the causes and ways to them that a trace has shown.
type nodes struct {
	list    []node
	ids     map[nodeKey]nodeID
	running replay.ByID[nodeID]           // by stack
	behind  replay.ByID[nodeID]           // by stack
	byEntry [numKinds]replay.ByID[nodeID] // of those without a stack, by kind and entry function
	syscall replay.ByID[nodeID]           // by stack, the latest
	offCPU  replay.ByID[nodeID]           // by name
	outside replay.ByID[nodeID]           // by stack, the latest
	waking  nodeID
	latest  [256]waitNode // some of the waits that were asked for of late
}

func newNodes() *nodes {
	n := &nodes{ids: map[nodeKey]nodeID{}}
	for u := range numUnknowns {
		n.intern(nodeKey{kind: KindUnknown, where: uint32(u)})
	}
	n.waking = n.intern(nodeKey{kind: KindWaking})
	return n
}

func (n *nodes) unknown(u unknown) nodeID { return nodeID(u) }

// intern is the id of a cause. When there are too many it is the unknown.
func (n *nodes) intern(key nodeKey) nodeID {
	if id, ok := n.ids[key]; ok {
		return id
	}
	if len(n.list) >= maxNodes {
		return n.unknown(unknownVarious)
	}
	id := nodeID(len(n.list))
	n.list = append(n.list, node{nodeKey: key, leaf: id})
	n.ids[key] = id
	return id
}

// code is a goroutine that runs, or in whose way of another that has the P: the stack is where it
// was when it was seen next.
func (n *nodes) code(kind Kind, stack format.StringID, entry replay.EntryID) nodeID {
	cache, key := &n.running, nodeKey{kind: kind, where: uint32(stack)}
	if kind == KindBehind {
		cache = &n.behind
	}
	at := cache.At(uint32(stack))
	if stack == format.NullString {
		key.what = uint32(entry)
		at = n.byEntry[kind].At(uint32(entry))
	}
	if *at == 0 {
		*at = n.intern(key)
	}
	return *at
}

func (n *nodes) call(reason, stack format.StringID) nodeID {
	at := n.syscall.At(uint32(stack))
	if *at == 0 || n.list[*at].what != uint32(reason) {
		*at = n.intern(nodeKey{kind: KindSyscall, where: uint32(stack), what: uint32(reason)})
	}
	return *at
}

// from is a wait that was ended from outside.
func (n *nodes) from(kind Kind, stack format.StringID) nodeID {
	at := n.outside.At(uint32(stack))
	if *at == 0 || n.list[*at].kind != kind {
		*at = n.intern(nodeKey{kind: kind, where: uint32(stack)})
	}
	return *at
}

// suspended is a process or a thread that was stopped from outside, in a state of the kernel's.
func (n *nodes) suspended(state format.StringID) nodeID {
	return n.intern(nodeKey{kind: KindSuspended, what: uint32(state)})
}

// taken is a thread without a CPU, which a thread of that name had taken.
func (n *nodes) taken(by format.StringID) nodeID {
	at := n.offCPU.At(uint32(by))
	if *at == 0 {
		*at = n.intern(nodeKey{kind: KindOffCPU, where: uint32(by)})
	}
	return *at
}

// wait is a wait at a site for what tail is. Where the list would be too long, waits in the middle
// are left out.
func (n *nodes) wait(site siteID, tail nodeID) nodeID {
	latest := &n.latest[(uint32(site)*31+uint32(tail))%uint32(len(n.latest))]
	if latest.id == 0 || latest.site != site || latest.tail != tail {
		*latest = waitNode{site, tail, n.newWait(site, tail)}
	}
	return latest.id
}

// waitNode is the id of a wait.
type waitNode struct {
	site siteID
	tail nodeID
	id   nodeID
}

func (n *nodes) newWait(site siteID, tail nodeID) nodeID {
	key := nodeKey{kind: kindWait, where: uint32(site), tail: tail}
	if id, ok := n.ids[key]; ok {
		return id
	}
	depth, elided := n.list[tail].depth+1, false
	if depth > maxDepth {
		key.tail, depth, elided = n.list[tail].leaf, 1, true
	}
	leaf := n.list[tail].leaf
	id, known := n.ids[key]
	if !known {
		if len(n.list) >= maxNodes {
			return leaf
		}
		id = n.intern(key)
	}
	n.list[id].leaf, n.list[id].depth, n.list[id].elided = leaf, depth, n.list[id].elided || elided
	return id
}
