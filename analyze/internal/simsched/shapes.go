package simsched

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/gosched/gosched/format"
)

// Shape is a load, and how windows are cut out of a recording of it.
type Shape struct {
	Name    string
	Load    Load
	Window  time.Duration // how long each is
	Gap     time.Duration // between two, on average
	ByCost  bool          // the gap after a window follows from what there was in the window
	OneLong bool          // the first window is a third of the recording
}

const (
	us = 1e3
	ms = 1e6
)

// exp draws from an exponential distribution.
func exp(mean float64) func(*At) float64 { return func(x *At) float64 { return x.Exp(mean) } }

// bursting is a time that is so many times as long, or short, during bursts, which come at random and
// last for a while.
func bursting(mean, times, every, lasts float64) func(*At) float64 {
	return func(x *At) float64 {
		if inBurst(x.NS, every, lasts) {
			return x.Exp(mean * times)
		}
		return x.Exp(mean)
	}
}

// inBurst says whether there is a burst at a time: one in each stretch of every, at a time in it that
// has no period.
func inBurst(ns, every, lasts float64) bool {
	n := math.Floor(ns / every)
	begin := (n + math.Mod(n*0.6180339887498949+0.31*n*n, 1)*(1-lasts/every)) * every
	return ns >= begin && ns < begin+lasts
}

// Shapes are loads of many shapes, each with what makes windows of it hard.
var Shapes = []Shape{
	{Name: "short delays", Load: Load{Goroutines: 8, For: 8 * time.Second,
		Wait: exp(3 * ms), Delay: exp(30 * us), Run: exp(500 * us)},
		Window: 20 * time.Millisecond, Gap: 130 * time.Millisecond},
	{Name: "delays as long as windows", Load: Load{Goroutines: 40, For: 10 * time.Second,
		Wait: exp(30 * ms), Delay: exp(25 * ms), Run: exp(ms)},
		Window: 40 * time.Millisecond, Gap: 200 * time.Millisecond},
	{Name: "delays longer than windows", Load: Load{Goroutines: 200, For: 10 * time.Second,
		Wait: exp(50 * ms), Delay: exp(300 * ms), Run: exp(ms)},
		Window: 50 * time.Millisecond, Gap: 200 * time.Millisecond},
	{Name: "heavy tails", Load: Load{Goroutines: 20, For: 10 * time.Second,
		Wait:  func(x *At) float64 { return x.LogNormal(2*ms, 1.5) },
		Delay: func(x *At) float64 { return x.LogNormal(20*us, 2) }, Run: exp(300 * us)},
		Window: 30 * time.Millisecond, Gap: 150 * time.Millisecond},
	{Name: "bursts", Load: Load{Goroutines: 12, For: 20 * time.Second,
		Wait: bursting(10*ms, 0.1, 400*ms, 60*ms), Delay: bursting(30*us, 20, 400*ms, 60*ms), Run: exp(200 * us)},
		Window: 20 * time.Millisecond, Gap: 130 * time.Millisecond},
	{Name: "parked through windows", Load: Load{Goroutines: 150, For: 10 * time.Second,
		Wait: exp(800 * ms), Delay: exp(100 * us), Run: exp(ms)},
		Window: 25 * time.Millisecond, Gap: 150 * time.Millisecond},
	{Name: "many goroutines", Load: Load{Goroutines: 1000, For: 3 * time.Second,
		Wait: exp(150 * ms), Delay: func(x *At) float64 { return x.LogNormal(50*us, 1) }, Run: exp(500 * us)},
		Window: 20 * time.Millisecond, Gap: 130 * time.Millisecond},
	{Name: "rare events", Load: Load{Goroutines: 3, For: 20 * time.Second,
		Wait: exp(60 * ms), Delay: func(x *At) float64 {
			if x.IntN(15) == 0 {
				return x.Exp(4 * ms)
			}
			return x.Exp(40 * us)
		}, Run: exp(ms)},
		Window: 30 * time.Millisecond, Gap: 150 * time.Millisecond},
	{Name: "windows by cost", Load: Load{Goroutines: 12, For: 20 * time.Second,
		Wait: bursting(6*ms, 0.1, 5000*ms, 1800*ms), Delay: bursting(30*us, 10, 5000*ms, 1800*ms),
		Run: exp(200 * us)},
		Window: 20 * time.Millisecond, Gap: 100 * time.Millisecond, ByCost: true},
	{Name: "one long window", Load: Load{Goroutines: 12, For: 15 * time.Second,
		Wait:  func(x *At) float64 { return x.Exp(8 * ms / (1 + x.NS/5e9)) },
		Delay: func(x *At) float64 { return x.Exp(20 * us * (1 + x.NS/3e9)) }, Run: exp(200 * us)},
		Window: 20 * time.Millisecond, Gap: 150 * time.Millisecond, OneLong: true},
	{Name: "few windows", Load: Load{Goroutines: 10, For: 4 * time.Second,
		Wait: exp(4 * ms), Delay: exp(60 * us), Run: exp(500 * us)},
		Window: 50 * time.Millisecond, Gap: 450 * time.Millisecond},
}

// Windows are those of a recording of the shape: one at its beginning, then at random times,
// because what a load does at a time may have a period too.
func (s *Shape) Windows(trace *format.Memory, seed uint64) (out []Window) {
	rng := rand.New(rand.NewPCG(seed, 7))
	t, end := trace.Meta.StartNS, trace.Meta.EndNS
	at, typical := 0, 0.0
	for n := 0; t < end; n++ {
		w := Window{t, min(end, t+int64(s.Window))}
		if s.OneLong && n == 0 {
			w.End = t + (end-t)/3
		}
		out = append(out, w)
		gap := float64(s.Gap)
		if s.ByCost {
			hits := 0
			for ; at < trace.Events.Len() && trace.Events.TimeNS[at] < w.End; at++ {
				if trace.Events.TimeNS[at] >= w.Begin {
					hits++
				}
			}
			if typical == 0 {
				typical = float64(hits) + 1
			}
			typical += (float64(hits) - typical) / 4
			gap *= math.Sqrt(typical / 200)
		}
		t = w.End + int64(gap*(0.2+0.8*rng.ExpFloat64()))
	}
	return out
}
