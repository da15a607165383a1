package simsched

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gosched/gosched/format"
)

// Load is goroutines that wait, become runnable, run, and wait again, each by itself and each on a P
// of its own: what their times are distributed like is all there is to them.
type Load struct {
	Seed       uint64
	Goroutines int
	For        time.Duration
	// how long the next wait, delay and run is, in nanoseconds, of a goroutine at a time since the
	// beginning
	Wait, Delay, Run func(x *At) float64
	Sites            int // how many places there are to wait at; 0: 1
}

// At is where a load's time is drawn.
type At struct {
	*rand.Rand
	NS        float64 // since the beginning
	Goroutine int
	Site      int // of the wait, or of the one before
}

// Exp is an exponentially distributed time.
func (a *At) Exp(mean float64) float64 { return a.ExpFloat64() * mean }

// LogNormal is a time whose logarithm is normally distributed.
func (a *At) LogNormal(median, sigma float64) float64 {
	return median * math.Exp(a.NormFloat64()*sigma)
}

// Trace is the load's trace.
func (l Load) Trace() *format.Memory {
	meta := format.Metadata{SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, StartNS: start,
		EndNS: start + int64(l.For), Processes: []format.Process{{PID: 100, GoVersion: "go1.26.8",
			GOMAXPROCS: l.Goroutines, Coverage: format.FullCoverage()}}}
	trace := format.NewMemory(meta)
	sites, reasons := []format.StringID{}, []format.StringID{}
	for i := range max(1, l.Sites) {
		sites = append(sites, trace.Stacks().Intern("main.worker /src/main.go:5;main.wait"+string(rune('A'+i))+
			" /src/wait.go:7"))
		reasons = append(reasons, trace.Reasons().Intern(Waits[i%len(Waits)]))
	}
	var events []format.Event
	for g := range l.Goroutines {
		events = append(events, l.goroutine(g, sites, reasons)...)
	}
	slices.SortStableFunc(events, func(a, b format.Event) int { return int(a.TimeNS - b.TimeNS) })
	for _, e := range events {
		trace.Append(e)
	}
	return trace
}

// goroutine is the events of one.
func (l Load) goroutine(n int, sites, reasons []format.StringID) (out []format.Event) {
	at := &At{Rand: rand.New(rand.NewPCG(l.Seed, uint64(n))), Goroutine: n}
	state := format.StateNotExist
	move := func(to format.State, after float64) bool {
		at.NS += max(1, after)
		e := format.NoEvent
		e.Kind, e.TimeNS, e.PID, e.GoID = format.KindGoroutine, start+int64(at.NS), 100, format.GoID(n+1)
		e.TID, e.Proc = int32(1000+n), int32(n)
		e.From, e.To = state, to
		switch {
		case to == format.StateWaiting:
			at.Site = at.IntN(len(sites))
			e.Stack, e.Reason = sites[at.Site], reasons[at.Site]
		}
		state = to
		if at.NS >= float64(l.For) {
			return false
		}
		out = append(out, e)
		return true
	}
	found := format.NoEvent
	found.Kind, found.TimeNS, found.PID, found.GoID = format.KindSnapshot, start, 100, format.GoID(n+1)
	found.To, found.Stack, found.Reason = format.StateWaiting, sites[0], reasons[0]
	out = append(out, found)
	state = format.StateWaiting
	for move(format.StateRunnable, l.Wait(at)) && move(format.StateRunning, l.Delay(at)) &&
		move(format.StateWaiting, l.Run(at)) {
	}
	return out
}
