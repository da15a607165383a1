package rounds

import (
	"math"
	"testing"
)

// second in nanoseconds.
const second = int64(1e9)

// process is a made-up process that is sampled: what it has, and what reading it costs.
type process struct {
	places          int
	roundNS, gNS    int64
	slow            int64 // the wall time of a nanosecond of CPU time
	read, made, cpu int64
}

// sample paces the process for so long.
func (s *process) sample(p *Pacer, from, to int64, found func(at int64, weight int)) {
	for now := p.Next(); now < to; now = p.Next() {
		if !p.Due(now) {
			continue
		}
		from, step := p.Choose(s.places)
		n := 0
		for place := from; place < s.places; place += step {
			n++
		}
		if found != nil {
			found(now, step)
		}
		cost := Cost{Read: n, PlacesNS: int64(n) * s.gNS, TotalNS: s.roundNS + int64(n)*s.gNS}
		s.read, s.made, s.cpu = s.read+int64(n), s.made+1, s.cpu+cost.TotalNS
		p.Made(now+cost.TotalNS*max(1, s.slow), step, cost)
	}
}

// TestInstantsAreAPoissonProcess checks the mean and the spread of the times between instants.
func TestInstantsAreAPoissonProcess(t *testing.T) {
	p := New(Config{RatePerS: 20, Seed: 3}, 0)
	var gaps []float64
	last := int64(0)
	for range 20_000 {
		at := p.Next()
		gaps = append(gaps, float64(at-last)/1e9)
		last = at
		p.Due(at)
	}
	mean, squares := 0.0, 0.0
	for _, g := range gaps {
		mean += g / float64(len(gaps))
		squares += g * g / float64(len(gaps))
	}
	if sd := math.Sqrt(squares - mean*mean); math.Abs(mean*20-1) > 0.03 || math.Abs(sd*20-1) > 0.05 {
		t.Errorf("a mean of %.4f s and a standard deviation of %.4f s, both should be 0.05", mean, sd)
	}
}

// TestASeedSaysWhen: the same seed gives the same instants, whatever rounds cost, and another process
// of the recording has others.
func TestASeedSaysWhen(t *testing.T) {
	one, same := New(Config{RatePerS: 20, Seed: 3}, 5), New(Config{RatePerS: 20, Seed: 3, MaxCPUs: 0.01}, 5)
	other := New(Config{RatePerS: 20, Seed: 3, Stream: 1}, 5)
	if one.Next() == other.Next() {
		t.Error("two processes are read at the same instants")
	}
	for range 100 {
		if one.Next() != same.Next() {
			t.Fatalf("instants %d and %d", one.Next(), same.Next())
		}
		one.Due(one.Next())
		if at := same.Next(); same.Due(at) {
			_, step := same.Choose(1000)
			same.Made(at, step, Cost{Read: 1000 / step, PlacesNS: 1e6, TotalNS: 2e6})
		}
	}
}

// TestRoundsCostWhatTheyMay bounds rounds of all sorts of processes, some of which cost more than the
// bound however few goroutines are read.
func TestRoundsCostWhatTheyMay(t *testing.T) {
	for name, c := range map[string]struct {
		process
		cpus float64
		all  bool // every goroutine can be read
	}{
		"few goroutines":              {process{places: 100, roundNS: 100e3, gNS: 1000}, 0.01, true},
		"many":                        {process{places: 100_000, roundNS: 100e3, gNS: 1000}, 0.01, false},
		"many, and a wide bound":      {process{places: 100_000, roundNS: 100e3, gNS: 1000}, 0.5, false},
		"a round alone is too dear":   {process{places: 1000, roundNS: 5e6, gNS: 1000}, 0.01, false},
		"goroutines are all the cost": {process{places: 50_000, gNS: 20e3}, 0.02, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Config{RatePerS: 20, MaxCPUs: c.cpus, Seed: 1}, 0)
			s := c.process
			s.sample(p, 0, 100*second, nil)
			took := float64(s.cpu) / 100e9
			if took > 1.1*c.cpus || !c.all && took < 0.6*c.cpus {
				t.Errorf("rounds took %.2f%% of a CPU, and may take %.2f%%: %+v", 100*took, 100*c.cpus, p.Counts())
			}
			if c.all && s.read < 99*s.made*int64(s.places)/100 {
				t.Errorf("%d goroutines in %d rounds of %d", s.read, s.made, s.places)
			}
			if n := p.Counts(); n.Made != s.made || n.CPUNS != s.cpu {
				t.Errorf("counted %+v, made %d", n, s.made)
			}
		})
	}
}

// TestARoundAdaptsToAProcessThatGrows has ten times as many goroutines from one moment on.
func TestARoundAdaptsToAProcessThatGrows(t *testing.T) {
	p := New(Config{RatePerS: 20, MaxCPUs: 0.01, Seed: 1}, 0)
	s := process{places: 1000, roundNS: 50e3, gNS: 300}
	s.sample(p, 0, 20*second, nil)
	s.places, s.gNS, s.cpu = 100_000, 3000, 0
	s.sample(p, 20*second, 40*second, nil)
	if took := float64(s.cpu) / 20e9; took > 0.012 {
		t.Errorf("rounds took %.2f%% of a CPU, and may take 1%%", 100*took)
	}
}

// TestWeightsAddUp estimates how many goroutines there are.
func TestWeightsAddUp(t *testing.T) {
	p := New(Config{RatePerS: 20, MaxCPUs: 0.005, Seed: 1}, 0)
	s := process{places: 10_007, roundNS: 50e3, gNS: 1000}
	sum, rounds := 0.0, 0.0
	for now := p.Next(); now < 100*second; now = p.Next() {
		if !p.Due(now) {
			continue
		}
		from, step := p.Choose(s.places)
		n := 0
		for place := from; place < s.places; place += step {
			n++
		}
		sum, rounds = sum+float64(n*step), rounds+1
		p.Made(now, step, Cost{Read: n, PlacesNS: int64(n) * s.gNS, TotalNS: s.roundNS + int64(n)*s.gNS})
	}
	if mean := sum / rounds; math.Abs(mean/float64(s.places)-1) > 0.01 {
		t.Errorf("%.0f goroutines, there are %d", mean, s.places)
	}
}

// TestSkippedInstantsDoNotFavourAState has a process that is in one state half of the time, and rounds
// that take a third of it: what is found is still half and half.
func TestSkippedInstantsDoNotFavourAState(t *testing.T) {
	p := New(Config{RatePerS: 100, Seed: 9}, 0)
	s := process{places: 10, roundNS: 5e6}
	const period = 70e6 // in the state for the first half of each
	in, all := 0.0, 0.0
	s.sample(p, 0, 500*second, func(at int64, _ int) {
		if at%period < period/2 {
			in++
		}
		all++
	})
	if c := p.Counts(); c.Skipped < int64(all)/4 {
		t.Errorf("%d skipped beside %.0f", c.Skipped, all)
	}
	if share := in / all; math.Abs(share-0.5) > 4.5*0.5/math.Sqrt(all) {
		t.Errorf("found in the state in %.2f%% of %.0f rounds", 100*share, all)
	}
}

// TestALateRecorderIsCounted calls for a round long after it was due.
func TestALateRecorderIsCounted(t *testing.T) {
	p := New(Config{RatePerS: 20, Seed: 1}, 0)
	at := p.Next() + 3*second
	if !p.Due(at) || p.Next() <= at || p.LateNS() != 3*second {
		t.Errorf("due at %d, the next at %d, late by %d", at, p.Next(), p.LateNS())
	}
	p.Choose(1)
	p.Made(at, 1, Cost{})
	if c := p.Counts(); c.Late != 1 || c.MaxLateNS != 3*second || c.Skipped < 30 {
		t.Errorf("%+v", c)
	}
}
