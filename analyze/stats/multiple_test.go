package stats

import (
	"math"
	"slices"
	"testing"
)

// thrombolysis is the 15 p-values of Benjamini and Hochberg (1995), § 3.2.
var thrombolysis = []float64{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528,
	.7590, 1}

func TestAdjustedPAgreeWithPublishedOnes(t *testing.T) {
	for _, c := range []struct {
		name    string
		adjust  func([]float64) []float64
		p, want []float64
		within  float64
	}{
		// scipy.stats.false_discovery_control(p) of scipy 1.17.1, and statsmodels' multipletests(p,
		// method='holm').
		{"Benjamini–Hochberg, thrombolysis", FalseDiscovery, thrombolysis, []float64{.0015, .003, .0095, .035625, .0603,
			.0638571429, .0638571429, .0645, .0765, .486, .5811818182, .714875, .7532307692, .8132142857, 1}, 1e-9},
		{"Holm, thrombolysis", Holm, thrombolysis, []float64{.0015, .0056, .0247, .114, .2211, .278, .278, .278, .3213,
			1, 1, 1, 1, 1, 1}, 1e-9},
		// The documentation of @stdlib/stats/padjust, which repeats R's p.adjust; it prints three
		// digits.
		{"Holm, stdlib", Holm, []float64{.319, .201, .4, .374, .113}, []float64{.957, .804, .957, .957, .565}, 6e-4},
		{"Benjamini–Hochberg, stdlib", FalseDiscovery, []float64{.319, .201, .4, .374, .113}, []float64{.4, .4, .4, .4,
			.4}, 6e-4},
		{"Benjamini–Hochberg, stdlib's other", FalseDiscovery, []float64{.008, .03, .123, .6, .2},
			[]float64{.04, .075, .205, .6, .25}, 6e-4},
		{"one", Holm, []float64{.03}, []float64{.03}, 0},
		{"none", FalseDiscovery, nil, nil, 0},
	} {
		before := slices.Clone(c.p)
		got := c.adjust(c.p)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) <= c.within }) ||
			!slices.Equal(before, c.p) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestAsManyAreRejectedAsInThePaper: at 0.05, Benjamini and Hochberg reject four, and the bound of
// any false alarm three.
func TestAsManyAreRejectedAsInThePaper(t *testing.T) {
	rejected := func(adjusted []float64) (n int) {
		for _, p := range adjusted {
			if p <= .05 {
				n++
			}
		}
		return n
	}
	if bh, holm := rejected(FalseDiscovery(thrombolysis)), rejected(Holm(thrombolysis)); bh != 4 || holm != 3 {
		t.Errorf("%d and %d are rejected, want 4 and 3", bh, holm)
	}
}

func TestFisherExactAgreesWithPublishedTables(t *testing.T) {
	for _, c := range []struct {
		name              string
		a, na, b, nb      int
		greater, twoSided float64
	}{
		// R. A. Fisher, The Design of Experiments (1935), ch. II: a lady tells three of four cups;
		// R's fisher.test says 0.2429 and 0.4857.
		{"tea tasting", 1, 4, 3, 4, 17. / 70, 34. / 70},
		// Convictions of like-sex twins, Fisher (1970), the example of R's fisher.test: 0.0004652
		// and 0.0005367.
		{"convicted twins", 2, 15 + 2, 10, 10 + 3, .00046518094336290503, .0005367241191434358},
		// scipy.stats.fisher_exact of scipy 1.17.1.
		{"none of 6, 5 of 6", 0, 6, 5, 6, .007575757575757575, .01515151515151515},
		{"8 of 10, 1 of 6", 8, 10, 1, 6, .9991258741258742, .034965034965034975},
		{"sharks", 1, 10, 11, 14, .0013797280926100418, .0027594561852200836},
		{"hundreds", 10, 110, 1000, 1003, 1.6527661506224152e-126, 1.6527661506224152e-126},
		{"nothing in any", 0, 6, 0, 6, 1, 1},
		{"all of them", 6, 6, 6, 6, 1, 1},
		{"no runs", 0, 0, 0, 0, 1, 1},
		{"more than runs", 7, 6, 1, 6, 1, 1},
		{"fewer than none", 1, 6, -1, 6, 1, 1},
	} {
		greater, twoSided := FisherExact(c.a, c.na, c.b, c.nb)
		if math.Abs(greater-c.greater) > 1e-10*c.greater || math.Abs(twoSided-c.twoSided) > 1e-10*c.twoSided {
			t.Errorf("%s: %v and %v, want %v and %v", c.name, greater, twoSided, c.greater, c.twoSided)
		}
	}
}
