package blocking

import (
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
)

// Section is a way to let only so many goroutines through at a time: a lock, a pool, a semaphore.
// Who waits for one is blocked, and not idle, whatever the wait looks like.
type Section struct {
	What string // in words: "a mutex"
	// a function that waits for it has on its stack; empty: the reason alone tells
	Frame string
	// the package whose frames are the section's own, not the code that waits; empty: none but
	// plumbing
	Package string
	One     bool   // one goroutine at a time has it
	Lock    bool   // it is a sync.Mutex or a sync.RWMutex
	Readers bool   // who waits wants to share it
	Pair    string // what a section to share and one not to share can be together
	Freed   string // a function that frees it: waits that others ended are for something else; empty: any
	Limit   string // what sets how many are let through; empty: nothing does
}

// sections are those that are known by the stack of who waits. The first that fits counts.
var sections = [...]Section{
	{What: "a sync.Once", Frame: "sync.(*Once).doSlow", One: true},
	{What: "a call that singleflight shares", Frame: "singleflight.(*Group).Do", One: true},
	{What: "a connection of a database/sql pool", Frame: "database/sql.(*DB).conn", Package: "database/sql",
		Limit: "SetMaxOpenConns"},
	{What: "a connection of an http.Transport", Frame: "net/http.(*Transport).getConn", Package: "net/http",
		Freed: "net/http.(*Transport).tryPutIdleConn", Limit: "MaxConnsPerHost"},
	{What: "a place in an errgroup", Frame: "errgroup.(*Group).Go", Limit: "SetLimit"},
	{What: "a semaphore", Frame: "semaphore.(*Weighted).Acquire", Limit: "its size"},
	{What: "a file or connection, to write to it,", Frame: "internal/poll.(*FD).writeLock", One: true},
	{What: "a file or connection, to read from it,", Frame: "internal/poll.(*FD).readLock", One: true},
	{What: "an RWMutex, to read,", Frame: "sync.(*RWMutex).RLock", One: true, Lock: true, Readers: true,
		Pair: "RWMutex"},
	{What: "an RWMutex, to write,", Frame: "sync.(*RWMutex).Lock", One: true, Lock: true, Pair: "RWMutex"},
	{What: "a mutex", Frame: "sync.(*Mutex).Lock", One: true, Lock: true},
}

// byReason are the sections that the reason of a wait tells, where the stack does not.
var byReason = map[string]*Section{
	"sync.RWMutex.RLock": sectionAt("sync.(*RWMutex).RLock"),
	"sync.RWMutex.Lock":  sectionAt("sync.(*RWMutex).Lock"),
	"sync.Mutex.Lock":    sectionAt("sync.(*Mutex).Lock"),
}

func sectionAt(function string) *Section {
	for i := range sections {
		if sections[i].Frame == function {
			return &sections[i]
		}
	}
	return nil
}

// SectionOf is what a wait with a reason at a stack is for, nil where it is no section that is known
// by that.
func SectionOf(reason, text string) *Section {
	if replay.ClassOf(reason) == replay.ClassOther || replay.ClassOf(reason) == replay.ClassNetwork {
		return nil
	}
	for i := range sections {
		if s := &sections[i]; strings.Contains(text, s.Frame+" ") {
			return s
		}
	}
	return byReason[reason]
}

// hands says whether a wait was ended by a goroutine that had been let through at the same place
// before, and has let nobody through since: then it is a wait for a place in a semaphore, made of a
// channel for one, and not for work. Nor is a wait for work what a goroutine ends that is in the
// same function: it makes a result for all who come meanwhile.
func (p *Pass) hands(id cause.Site, s *replay.Span) bool {
	w := p.find(s.EndByGoID)
	if w == nil || id == 0 {
		return false
	}
	if w.took == id {
		w.took = 0
		return true
	}
	last := p.sites.list[id].last
	return last != nil && last.same
}
