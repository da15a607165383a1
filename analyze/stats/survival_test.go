package stats

import (
	"math"
	"testing"
)

// sample is survival times in weeks, those that ended and those that were cut.
type sample struct{ ended, cut []int64 }

func (s sample) histogram() *Histogram {
	h := histogramOf(s.ended)
	for _, v := range s.cut {
		h.AddCensored(v)
	}
	return h
}

// Acute myelogenous leukaemia, maintenance chemotherapy or not: R. G. Miller, Survival Analysis
// (1981), p. 49; the data set aml of R's package survival.
var (
	maintained    = sample{[]int64{9, 13, 18, 23, 31, 34, 48}, []int64{13, 28, 45, 161}}
	nonmaintained = sample{[]int64{5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45}, []int64{16}}
)

// TestSurvivalAgreesWithR compares with R 4's summary(survfit(Surv(time, status) ~ x, data = aml)),
// which prints three digits.
func TestSurvivalAgreesWithR(t *testing.T) {
	for _, c := range []struct {
		sample  sample
		at      int64
		s, erro float64
	}{
		{maintained, 9, 0.909, 0.0867}, {maintained, 13, 0.818, 0.1163}, {maintained, 18, 0.716, 0.1397},
		{maintained, 23, 0.614, 0.1526},
		{maintained, 31, 0.491, 0.1642}, {maintained, 34, 0.368, 0.1627}, {maintained, 48, 0.184, 0.1535},
		{nonmaintained, 5, 0.8333, 0.1076}, {nonmaintained, 8, 0.6667, 0.1361}, {nonmaintained, 12, 0.5833, 0.1423},
		{nonmaintained, 23, 0.4861, 0.1481},
		{nonmaintained, 27, 0.3889, 0.1470}, {nonmaintained, 30, 0.2917, 0.1387}, {nonmaintained, 33, 0.1944, 0.1219},
		{nonmaintained, 43, 0.0972, 0.0919},
	} {
		s, erro := c.sample.histogram().Survival(c.at)
		if math.Abs(s-c.s) > 0.0006 || math.Abs(erro-c.erro) > 0.00006 {
			t.Errorf("survival at %d is %.4f ± %.4f, R says %.4f ± %.4f", c.at, s, erro, c.s, c.erro)
		}
	}
}

// TestMediansAgreeWithR compares with R 4's print(survfit(…)) of the same data: medians 31 and 23
// with 0.95 limits (18, NA) and (8, NA).
func TestMediansAgreeWithR(t *testing.T) {
	for _, c := range []struct {
		sample     sample
		median, lo int64
	}{{maintained, 31, 18}, {nonmaintained, 23, 8}} {
		h := c.sample.histogram()
		if v, ok := h.Quantile(P50); !ok || v != c.median {
			t.Errorf("median is %d, %v, R says %d", v, ok, c.median)
		}
		if in := h.Interval(P50, 0.95); !in.LoDefined || in.Lo != c.lo || in.HiDefined {
			t.Errorf("interval is %+v, R says (%d, NA)", in, c.lo)
		}
	}
	if v, ok := maintained.histogram().Quantile(P90); ok {
		t.Errorf("the longest was cut, yet p90 is %d", v)
	}
}

// TestRemissionTimesAgreeWithFreireich compares with the published estimate for the 6-MP arm of E.
// J. Freireich et al., Blood 21 (1963) 699, in textbooks since E. A. Gehan (1965): survival .857
// .807 .753 .690 .627 .538 .448 and a median of 23 weeks.
func TestRemissionTimesAgreeWithFreireich(t *testing.T) {
	h := sample{[]int64{6, 6, 6, 7, 10, 13, 16, 22, 23}, []int64{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34,
		35}}.histogram()
	for at, want := range map[int64]float64{6: .857, 7: .807, 10: .753, 13: .690, 16: .627, 22: .538, 23: .448} {
		if s, _ := h.Survival(at); math.Abs(s-want) > 0.0006 {
			t.Errorf("survival at %d is %.4f, want %.3f", at, s, want)
		}
	}
	if v, ok := h.Quantile(P50); v != 23 || !ok {
		t.Errorf("median is %d, %v, want 23", v, ok)
	}
}

func TestKaplanMeierWithoutCutsIsTheNearestRank(t *testing.T) {
	for seed := range uint64(100) {
		h := histogramOf(makeDurations(seed, 1+int(seed*7)))
		for permille := 1; permille <= 1000; permille += 37 {
			a, _ := h.Quantile(perMille(permille))
			if b, ok := h.survivalQuantile(perMille(permille)); a != b || !ok {
				t.Fatalf("seed %d: %d‰ is %d by rank, %d, %v by Kaplan–Meier", seed, permille, a, b, ok)
			}
		}
	}
}

func TestCutValuesNeverLowerAQuantile(t *testing.T) {
	for seed := range uint64(100) {
		values := makeDurations(seed, 300)
		h := histogramOf(values[:250])
		plain, _ := h.Quantile(P90)
		cut := histogramOf(values[:250])
		for range 20 {
			cut.AddCensored(h.Max())
		}
		if v, ok := cut.Quantile(P90); ok && v < plain {
			t.Fatalf("seed %d: 20 values of at least the maximum lower p90 from %d to %d", seed, plain, v)
		}
	}
}

// TestOrderRanksAgreeWithPublishedTables compares with a textbook's table A.7, "Confidence
// Intervals for the Population Median", which gives the ranks for each n and the confidence that
// they have; the widest confidence below 95% is what the next narrower ranks have.
func TestOrderRanksAgreeWithPublishedTables(t *testing.T) {
	for _, c := range []struct {
		n, lo, hi  int64
		confidence float64
	}{
		{5, 0, 0, 100}, // the table's widest has 93.8%
		{6, 1, 6, 96.9}, {7, 1, 7, 98.4}, {8, 1, 8, 99.2}, {9, 2, 8, 96.1}, {10, 2, 9, 97.9}, {11, 2, 10, 98.8},
		{12, 3, 10, 96.1}, {13, 3, 11, 97.8},
		{14, 3, 12, 98.7}, {15, 4, 12, 96.5}, {16, 4, 13, 97.9}, {17, 5, 13, 95.1}, {18, 5, 14, 96.9},
		{19, 5, 15, 98.1}, {20, 6, 15, 95.9},
	} {
		lo, hi := orderRanks(c.n, P50, 0.95)
		if lo != c.lo || hi != c.hi {
			t.Errorf("n = %d: ranks %d and %d, the table says %d and %d", c.n, lo, hi, c.lo, c.hi)
		}
		if hi == 0 {
			continue
		}
		if confidence := 100 * (binomialCDF(c.n, 500, hi-1) - binomialCDF(c.n, 500,
			lo-1)); math.Abs(confidence-c.confidence) > 0.051 {
			t.Errorf("n = %d: ranks %d and %d have %.2f%%, the table says %.1f%%", c.n, lo, hi, confidence,
				c.confidence)
		}
	}
}

// TestOrderRanksCoverTheQuantile sums the binomial distribution term by term, without gonum.
func TestOrderRanksCoverTheQuantile(t *testing.T) {
	for _, n := range []int64{10, 57, 300, 1000} {
		for _, permille := range []int{500, 900, 990} {
			lo, hi := orderRanks(n, perMille(permille), 0.95)
			below, above := binomialCDF(n, permille, lo-1), 0.0
			if hi > 0 {
				above = 1 - binomialCDF(n, permille, hi-1)
			}
			if below > 0.025 || above > 0.025 {
				t.Errorf("n = %d, %d‰: [%d, %d] misses with %.4f and %.4f", n, permille, lo, hi, below, above)
			}
			if binomialCDF(n, permille, lo) <= 0.025 || hi > 1 && 1-binomialCDF(n, permille, hi-2) <= 0.025 {
				t.Errorf("n = %d, %d‰: [%d, %d] is wider than it must be", n, permille, lo, hi)
			}
		}
	}
}

// binomialCDF is the chance of at most k in n, by logarithms of factorials.
func binomialCDF(n int64, permille int, k int64) float64 {
	p, sum := float64(permille)/1000, 0.0
	lg := func(x int64) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	for i := int64(0); i <= k; i++ {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log(1-p))
	}
	return sum
}
