package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// moments is how many a course has.
const moments = 10_000

// phases gives values that stay for some time, about so many moments.
func phases(rng *rand.Rand, moments float64, value func() float64) func() float64 {
	v := value()
	return func() float64 {
		if rng.Float64() < 1/moments {
			v = value()
		}
		return v
	}
}

// TestSharesHoldWhatTheWholeTimeHas draws rounds at random from what is known at every moment, and
// counts how often the interval has the true share of the whole time.
func TestSharesHoldWhatTheWholeTimeHas(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(rng *rand.Rand) func() (part, whole float64)
	}{
		{"half, each moment by itself", func(rng *rand.Rand) func() (float64, float64) {
			return func() (float64, float64) { return float64(rng.IntN(11)), 10 }
		}},
		{"slow phases", func(rng *rand.Rand) func() (float64, float64) {
			part := phases(rng, 750, func() float64 { return float64(rng.IntN(11)) })
			return func() (float64, float64) { return part(), 10 }
		}},
		{"a convoy in a twentieth of the time", func(rng *rand.Rand) func() (float64, float64) {
			convoy := phases(rng, 20, func() float64 { return math.Floor(rng.Float64() + 0.05) })
			return func() (float64, float64) { return 40 * convoy() * rng.Float64(), 100 }
		}},
		{"one of a thousand, seldom", func(rng *rand.Rand) func() (float64, float64) {
			return func() (float64, float64) { return math.Floor(rng.Float64() + 0.2), 1000 }
		}},
		{"nearly always all of them", func(rng *rand.Rand) func() (float64, float64) {
			return func() (float64, float64) { return 50 - math.Floor(rng.Float64()+0.1), 50 }
		}},
		{"a growing number", func(rng *rand.Rand) func() (float64, float64) {
			n := 10.0
			return func() (float64, float64) {
				n += 0.01
				return math.Floor(n * rng.Float64()), math.Floor(n)
			}
		}},
		{"always the same", func(*rand.Rand) func() (float64, float64) {
			return func() (float64, float64) { return 3, 7 }
		}},
	} {
		for _, rounds := range []float64{40, 400} {
			t.Run(fmt.Sprintf("%s, %g rounds", c.name, rounds), func(t *testing.T) {
				shares, means := covered(c.next, rounds)
				if shares < leastCovered || means < leastCovered {
					t.Errorf("of %d intervals %d have the share, %d the mean", trials, shares, means)
				}
			})
		}
	}
}

const (
	trials       = 200
	leastCovered = trials * 95 / 100
)

func covered(next func(*rand.Rand) func() (part, whole float64), rounds float64) (shares, means int) {
	for trial := range uint64(trials) {
		rng := rand.New(rand.NewPCG(trial, 7))
		of := next(rng)
		var part, whole, all, parts, wholes []float64
		for range moments {
			a, b := of()
			part, whole = append(part, a), append(whole, b)
			if rng.Float64() < rounds/moments {
				parts, wholes, all = append(parts, a), append(wholes, b), append(all, 1)
			}
		}
		share := Rounds(all).Share(parts, wholes)
		if true := sum(part) / sum(whole); share.Lo <= true && true <= share.Hi {
			shares++
		}
		mean := Rounds(all).Mean(parts)
		if true := sum(part) / moments; mean.Lo <= true && true <= mean.Hi || sum(parts) == 0 {
			means++
		}
	}
	return shares, means
}

func TestSlopeSeesGrowthAndNotNoise(t *testing.T) {
	const n, noise = 320, 5.0
	seen, grown := 0, 0
	for trial := range uint64(200) {
		rng := rand.New(rand.NewPCG(trial, 3))
		rounds, flat, rising := make(Rounds, n), make([]float64, n), make([]float64, n)
		for i := range rounds {
			rounds[i], flat[i] = 1, 100+noise*rng.NormFloat64()
			rising[i] = flat[i] + 10*float64(i)/n
		}
		if s, ok := rounds.Slope(flat); !ok || s.Lo > 0 || s.Hi < 0 {
			seen++
		}
		if s, ok := rounds.Slope(rising); ok && s.Lo > 0 && s.Lo <= 10 && 10 <= s.Hi {
			grown++
		}
	}
	if seen > 20 || grown < 180 {
		t.Errorf("a trend in %d of 200 that have none; the true one in %d of 200 that have", seen, grown)
	}
	if _, ok := (Rounds(make([]float64, 31))).Slope(make([]float64, 31)); ok {
		t.Error("31 rounds have a trend")
	}
}

func TestRoundsOfNothing(t *testing.T) {
	for _, c := range []struct {
		rounds      Rounds
		part, whole []float64
		share, mean Estimate
	}{
		{Rounds{}, nil, nil, Estimate{0, 0, 1}, Estimate{0, 0, math.Inf(1)}},
		{Rounds{1}, []float64{0}, []float64{0}, Estimate{0, 0, 1}, Estimate{}},
		{Rounds{1}, []float64{1}, []float64{2}, Estimate{0.5, 0, 1}, Estimate{1, 0, math.Inf(1)}},
		{Rounds{1}, []float64{2}, []float64{2}, Estimate{1, tail, 1}, Estimate{2, 0, math.Inf(1)}},
	} {
		share, mean := c.rounds.Share(c.part, c.whole), c.rounds.Mean(c.part)
		if math.IsNaN(share.Value) {
			share.Value = 0
		}
		if share != c.share || mean != c.mean {
			t.Errorf("%v of %v in %v: %+v, %+v", c.part, c.whole, c.rounds, share, mean)
		}
	}
}

func TestRoundsThatResembleEachOtherAreWorthLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	next := phases(rng, 30, func() float64 { return float64(rng.IntN(2)) })
	rounds, slow, whole := make(Rounds, 1000), make([]float64, 1000), make([]float64, 1000)
	for i := range rounds {
		rounds[i], slow[i], whole[i] = 1, next(), 1
	}
	fast := slices.Clone(slow)
	rng.Shuffle(len(fast), func(i, j int) { fast[i], fast[j] = fast[j], fast[i] })
	if a, b := rounds.Alike(slow, whole), rounds.Alike(fast, whole); a > 200 || b < 700 {
		t.Errorf("slow ones are worth %.0f, fast ones %.0f of 1,000", a, b)
	}
}

// FuzzRounds: whatever is counted, an estimate lies in its interval, and a share is one.
func FuzzRounds(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 200, 255, 0, 0, 9, 9}, uint8(0))
	f.Add([]byte{0, 0, 0, 255, 0, 1, 1, 0}, uint8(60))
	f.Fuzz(func(t *testing.T, data []byte, scale uint8) {
		var rounds Rounds
		var part, whole []float64
		for ; len(data) >= 2; data = data[2:] {
			n := math.Ldexp(float64(data[0]), int(scale%60))
			part, whole = append(part, n), append(whole, n+math.Ldexp(float64(data[1]), int(scale/8)))
			rounds = append(rounds, float64(1+data[1]%3))
		}
		s := rounds.Share(part, whole)
		if sum(whole) > 0 && !(0 <= s.Lo && s.Lo <= s.Value && s.Value <= s.Hi && s.Hi <= 1) {
			t.Errorf("share %+v of %v in %v", s, part, whole)
		}
		if m := rounds.Mean(part); len(rounds) > 0 && !(0 <= m.Lo && m.Lo <= m.Value && m.Value <= m.Hi) {
			t.Errorf("mean %+v of %v", m, part)
		}
		rounds.Slope(part)
		rounds.Alike(part, whole)
	})
}
