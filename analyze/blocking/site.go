package blocking

import (
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// maxSites bounds the sites and the pairs of sites and wakers.
const maxSites = 1 << 16

// site is a place where goroutines wait: a reason and a stack. System calls have sites too.
type site struct {
	reason, stack format.StringID
	syscall       bool
	class         replay.Class
	system        bool   // goroutines of the runtime wait there
	receives      bool   // it may be a wait for work
	gathers       bool   // it is a wait for a sync.WaitGroup
	writes        bool   // it is a wait to write: there is work, which somebody does not take
	beside        string // whom its goroutines are beside: their time is in that one's; see besideWhom
	depth         int    // frames that are not plumbing
	// the goroutine moved while the stack was read: its deeper frames, and so the depth, are not
	// known
	partial bool
	// nanoseconds in which goroutines may have been waiting for work, as they had done before or
	// went on to do
	idle    int64
	last    *pair // the latest waker's
	lengths lengths
}

// siteKey tells sites apart.
type siteKey struct {
	reason, stack format.StringID
	syscall       bool
}

// nearSite is the site of a key.
type nearSite struct {
	siteKey
	id cause.Site
}

// pair is a site with who ended the waits there.
type pair struct {
	pairKey
	same         bool // the waker is in the function in which the other waits
	count, sumNS int64
}

// pairKey tells pairs apart: the waker by its stack, or where it was no goroutine by what the trace
// calls it.
type pairKey struct {
	site          cause.Site
	waker, reason format.StringID
}

// sites are the places where goroutines waited.
type sites struct {
	list   []*site
	ids    map[siteKey]cause.Site
	near   [512]nearSite // some of those that were asked for of late
	pairs  map[pairKey]*pair
	others int64 // waits whose pair was not kept

	windows *stats.Windows
}

func newSites(windows *stats.Windows) *sites {
	rest := new(site)
	rest.lengths.Windows = windows
	return &sites{windows: windows, list: []*site{rest}, ids: map[siteKey]cause.Site{}, pairs: map[pairKey]*pair{}}
}

// of is the site of a span.
func (t *sites) of(s *replay.Span, names namer) cause.Site {
	key := siteKey{s.Reason, s.Stack, s.State == format.StateSyscall}
	near := &t.near[(uint32(key.stack)*7+uint32(key.reason))%uint32(len(t.near))]
	if near.id != 0 && near.siteKey == key {
		return near.id
	}
	id, ok := t.ids[key]
	if !ok {
		if len(t.list) >= maxSites {
			return 0
		}
		id = cause.Site(len(t.list))
		t.list = append(t.list, newSite(key, names))
		t.list[id].lengths.Windows = t.windows
		t.ids[key] = id
	}
	*near = nearSite{key, id}
	return id
}

func newSite(key siteKey, names namer) *site {
	reason, text := names.Reason(key.reason), names.Stack(key.stack)
	n := &site{reason: key.reason, stack: key.stack, syscall: key.syscall}
	if !key.syscall {
		n.class = replay.ClassAt(reason, text)
	}
	n.depth = stack.OwnFrames(text)
	n.partial = strings.HasSuffix(text, format.MarkRunning.String())
	root := stack.Root(text)
	inC := n.depth == 0 && root == "runtime.cgocallback" // a thread of C between two calls into Go
	n.system = n.class == replay.ClassSystem || stack.IsSystem(root) || inC
	n.beside = besideWhom(root)
	n.writes = n.class == replay.ClassNetwork && stack.TransferOf(text).Writes()
	n.receives = !key.syscall && !n.writes && replay.Receives(reason) && !stack.Asks(text) &&
		SectionOf(reason, text) == nil
	n.gathers = n.class == replay.ClassSync && strings.Contains(text, "sync.(*WaitGroup).Wait ")
	return n
}

// woken counts a wait that was ended and by whom.
func (t *sites) woken(id cause.Site, s *replay.Span, names namer) {
	key := pairKey{id, s.EndByStack, format.NullString}
	if s.EndByGoID == format.NoGoroutine {
		key.waker, key.reason = format.NullString, s.EndReason
	}
	p := t.list[id].last
	if p == nil || p.pairKey != key {
		if p = t.pair(key, names); p == nil {
			t.others++
			return
		}
		t.list[id].last = p
	}
	p.count++
	p.sumNS += s.Len()
}

func (t *sites) pair(key pairKey, names namer) *pair {
	p := t.pairs[key]
	if p == nil && len(t.pairs) < maxSites {
		at := stack.Function(stack.Culprit(names.Stack(t.list[key.site].stack)))
		p = &pair{pairKey: key, same: at != "" && at == stack.Function(stack.Culprit(names.Stack(key.waker)))}
		t.pairs[key] = p
	}
	return p
}
