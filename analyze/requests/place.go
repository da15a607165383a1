package requests

import (
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
	"github.com/gosched/gosched/format"
)

// placeID names a place in the code: the part of a stack that is not plumbing. 0 is a stack that is
// not known.
type placeID uint32

// places are the places that stacks end at.
type places struct {
	list    []place
	ids     map[string]placeID
	byStack replay.ByID[stackFacts]
}

// place is a place in the code.
type place struct {
	frame string // the innermost that is not plumbing
	depth int    // frames that are not plumbing
}

// stackFacts are what is asked of a stack again and again.
type stackFacts struct {
	looked bool
	place  placeID
	net    bool // something of package net is in it
	closes bool // what it writes ends a connection
	inside bool // it waits to write, or for the garbage collector: what it waits for is no work
}

func newPlaces() *places { return &places{list: []place{{}}, ids: map[string]placeID{}} }

// maxPlaces bounds the places that are told apart. What is beyond has none.
const maxPlaces = 1 << 16

// of are the facts about a stack.
func (t *places) of(id format.StringID, names *replay.Names) *stackFacts {
	f := t.byStack.At(uint32(id))
	if !f.looked {
		*f = t.look(names.Stack(id))
	}
	return f
}

func (t *places) look(text string) stackFacts {
	f := stackFacts{looked: true, closes: strings.Contains(text, ";crypto/tls.(*Conn).closeNotify "),
		net: strings.Contains(text, ";net.(*") || strings.HasPrefix(text, "net.(*"),
		inside: strings.Contains(text, ".waitWrite ") || strings.Contains(text, ".WaitWrite ") ||
			strings.Contains(text, ";runtime.gcStart ")}
	if text == "" || strings.HasSuffix(text, format.MarkRunning.String()) ||
		strings.HasPrefix(text, format.MarkTruncated.String()) {
		return f // how deep the goroutine is cannot be told
	}
	if i := strings.Index(text, ";net.(*"); i >= 0 { // how it is done is no matter, of reads and waits alike
		text = text[:i]
	}
	frame := stack.Culprit(text)
	key := text[:strings.LastIndex(text, frame)+len(frame)]
	id, ok := t.ids[key]
	if !ok {
		if len(t.list) >= maxPlaces {
			return f
		}
		id = placeID(len(t.list))
		t.list = append(t.list, place{frame, stack.OwnFrames(text)})
		t.ids[key] = id
	}
	f.place = id
	return f
}

// reads and writes are the system calls that take something from the network, and put something
// on it, by what traces call them.
var (
	reads = map[string]bool{"read": true, "readv": true, "recvfrom": true, "recvmsg": true, "recvmmsg": true,
		"accept": true, "accept4": true}
	writes = map[string]bool{"write": true, "writev": true, "sendto": true, "sendmsg": true, "sendmmsg": true,
		"connect": true}
)

// spotKey tells spots apart.
type spotKey struct {
	entry replay.EntryID
	place placeID
}

// spot is a place where goroutines of one entry function take in work, or seem to. That of place 0
// is for the goroutines that have no loop.
type spot struct {
	spotKey
	reason  format.StringID // of a wait there
	network bool
	depth   int
	loop    bool  // a goroutine has come back to it, and none that has found a better one
	beaten  bool  // a better one was found: here goroutines wait on the way
	returns int64 // times that a goroutine came back
	replies int64 // times that it had written to the network by then
	answers int64 // waits that were ended by who the goroutine itself had set going
	waits   int64
	// reads that something but another read came after, and those that a read came after
	worked, bare int64
	// of the goroutines that were seen from creation to exit and came to it: all, and those that
	// had written to the network before they first read
	short, asked int64
	cycles       cycle.Group // from leaving it to coming back
	lives        cycle.Group // of short: from creation to exit
}

// maxSpots bounds the spots. Beyond, goroutines have no loop.
const maxSpots = 1 << 12

// spot is the spot of a goroutine's entry function at a place; nil where there are too many.
func (p *Pass) spot(entry replay.EntryID, at placeID) *spot {
	key := spotKey{entry, at}
	x := p.spots[key]
	if x == nil && len(p.spots) < maxSpots {
		x = &spot{spotKey: key, depth: p.places.list[at].depth}
		p.spots[key] = x
		p.order = append(p.order, x)
	}
	return x
}

// better says whether x rather than y is the top of a loop that has both: it is further up the
// stack, or as far and not one where the goroutine waits for answers.
func (x *spot) better(y *spot) bool {
	if x.depth != y.depth {
		return x.depth < y.depth
	}
	return y.mostlyAnswers() && !x.mostlyAnswers()
}

// established says whether a spot is known well enough for a new goroutine to be cut there at once.
func (x *spot) established() bool { return x.loop && x.returns >= manyReturns }

func (x *spot) mostlyAnswers() bool { return 2*x.answers > x.waits }

// foundNothing says whether a read that the next one follows, with nothing between, found nothing,
// and the data came before the goroutine could park. Else what it found was no more than computed
// with, which is what this spot's goroutines do more often than not.
func (x *spot) foundNothing() bool {
	x.bare++
	return x.bare <= max(1, x.worked)
}

// manyReturns is how often goroutines come back to the top of a loop for each one that ends, unless
// it reads requests from the network, and answers.
const manyReturns = 16

// isLoop says whether a spot is the top of a loop, and not a place where short-lived goroutines
// wait on their way. answers says whether the trace shows who writes to the network.
func (x *spot) isLoop(answers bool) bool {
	if !x.loop || x.beaten {
		return false
	}
	return x.returns >= manyReturns*x.short ||
		x.network && 2*x.asked <= x.short && (2*x.replies >= x.returns || !answers)
}
