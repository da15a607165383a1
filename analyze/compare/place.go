package compare

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/summary"
)

// place is code in which goroutines wait: the same in both builds where the function is, whoever
// calls it.
type place struct {
	measure  summary.Measure // a wait or a system call
	reason   string
	function string
	mutex    bool // a wait for one
}

func placeOf(measure summary.Measure, reason, text string) place {
	return place{measure, reason, stack.Function(stack.Culprit(text)), measure == summary.MeasureWait &&
		replay.ForMutex(reason, text)}
}

// compare orders places.
func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.function, other.function), cmp.Compare(p.reason, other.reason),
		cmp.Compare(p.measure, other.measure), cmp.Compare(p.rank(), other.rank()))
}

func (p place) rank() int {
	if p.mutex {
		return 1
	}
	return 0
}

// String is the place in words: "sync.Mutex.Lock at server.(*store).get".
func (p place) String() string {
	reason := p.reason
	if p.measure == summary.MeasureCall {
		reason = strings.TrimSpace("system call " + p.reason)
	}
	if p.function == "" {
		return reason
	}
	return reason + " at " + stack.Local(p.function)
}

// spent is time in one recording.
type spent struct {
	recording  int // which
	count      int64
	ns, idleNS int64
	frame      string
}

func (s spent) busyNS() int64 { return s.ns - s.idleNS }

// by is who or what made goroutines wait: of a waker the name alone, of a cause the kind too.
type by struct{ kind, name string }

func (b by) compare(other by) int {
	return cmp.Or(cmp.Compare(b.kind, other.kind), cmp.Compare(b.name, other.name))
}

// survey is where the time of one side went, by recording.
type survey struct {
	recordings []*summary.Recording
	places     map[place][]spent
	wakers     map[place]map[by][]spent // who ended the waits at a place
	causes     map[place]map[by][]spent // root causes of the time there
	held       map[by][]spent           // root causes of all blocked time
	roots      map[by]string            // of held: the function at the root of the stack
}

func newSurvey(recordings []*summary.Recording) *survey {
	s := &survey{recordings: recordings, places: map[place][]spent{}, wakers: map[place]map[by][]spent{},
		causes: map[place]map[by][]spent{}, held: map[by][]spent{}, roots: map[by]string{}}
	for i, r := range recordings {
		for j := range r.Groups {
			if g := &r.Groups[j]; g.By == summary.BySite {
				s.site(i, g)
			}
		}
		for j := range r.Pairs {
			p := &r.Pairs[j]
			key := placeOf(summary.MeasureWait, p.Reason, p.Stack)
			add(within(s.wakers, key), by{name: wakerName(p)}, spent{i, p.Count, p.NS, 0, p.WakerFrame})
		}
		for _, c := range r.Info.Causes {
			add(s.held, by{c.Kind, c.Name}, spent{i, c.Count, c.NS, c.IdleNS, c.Frame})
			s.roots[by{c.Kind, c.Name}] = cmp.Or(s.roots[by{c.Kind, c.Name}], c.Root)
		}
	}
	return s
}

func (s *survey) site(recording int, g *summary.Group) {
	key := placeOf(g.Measure, g.Name, g.Stack)
	add(s.places, key, siteSpent(recording, g))
	for _, c := range g.Causes {
		add(within(s.causes, key), by{c.Kind, c.Name}, spent{recording, c.Count, c.NS, c.IdleNS, c.Frame})
	}
}

func siteSpent(recording int, g *summary.Group) spent {
	return spent{recording, g.Hist.Count() + g.Hist.Censored(), g.TimeNS(), g.IdleNS, g.Frame}
}

// add counts what was spent on a key. Recordings come one after the other, so that those without
// any take no room.
func add[K comparable](m map[K][]spent, key K, more spent) {
	list := m[key]
	if n := len(list); n == 0 || list[n-1].recording != more.recording {
		m[key] = append(list, more)
		return
	}
	s := &list[len(list)-1]
	if s.frame == "" || more.ns > s.ns {
		s.frame = more.frame
	}
	s.count += more.count
	s.ns += more.ns
	s.idleNS += more.idleNS
}

func within(m map[place]map[by][]spent, key place) map[by][]spent {
	if m[key] == nil {
		m[key] = map[by][]spent{}
	}
	return m[key]
}

func wakerName(p *summary.Pair) string {
	if strings.HasPrefix(p.Waker, "<") {
		return p.Waker
	}
	return stack.Function(stack.Culprit(p.Waker))
}

// perSecond are s/s in each recording.
func (s *survey) perSecond(list []spent, of func(spent) int64) []float64 {
	out := make([]float64, len(s.recordings))
	for _, v := range list {
		out[v.recording] = float64(of(v)) / float64(max(1, s.recordings[v.recording].Info.RateNS()))
	}
	return out
}

// present is in how many recordings there is any.
func present(list []spent) int {
	n := 0
	for _, s := range list {
		if s.count > 0 {
			n++
		}
	}
	return n
}

// above is how many values there are of a size, or more.
func above(list []float64, least float64) int {
	n := 0
	for _, v := range list {
		if v >= least && v > 0 {
			n++
		}
	}
	return n
}

func average(list []float64) float64 {
	var sum float64
	for _, v := range list {
		sum += v
	}
	return sum / float64(max(1, len(list)))
}

// heaviestFrame is the frame of the recording with the most time.
func heaviestFrame(list []spent) string {
	var best spent
	for _, s := range list {
		if best.frame == "" || s.ns > best.ns {
			best = s
		}
	}
	return best.frame
}

// keysOf are the keys of both maps in order.
func keysOf[K comparable](order func(a, b K) int, maps_ ...map[K][]spent) []K {
	all := map[K]bool{}
	for _, m := range maps_ {
		for k := range m {
			all[k] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), order)
}
