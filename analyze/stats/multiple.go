package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/combin"
)

// Holm adjusts p-values so that the chance of any false alarm among them is bounded, whatever their
// dependence (S. Holm, Scandinavian Journal of Statistics 6 (1979) 65). The order stays.
func Holm(p []float64) []float64 {
	out, order := make([]float64, len(p)), ascending(p)
	largest := 0.0
	for i, at := range order {
		largest = max(largest, min(1, float64(len(p)-i)*p[at]))
		out[at] = largest
	}
	return out
}

// FalseDiscovery adjusts p-values so that those up to q have an expected share of false alarms of
// at most q (Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995)
// 289). The order stays.
func FalseDiscovery(p []float64) []float64 {
	out, order := make([]float64, len(p)), ascending(p)
	smallest := 1.0
	for i, at := range slices.Backward(order) {
		smallest = min(smallest, float64(len(p))*p[at]/float64(i+1))
		out[at] = smallest
	}
	return out
}

// ascending are the indices of the values in ascending order.
func ascending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return order
}

// FisherExact is Fisher's exact test of two shares: of na runs a have something, of nb runs b have.
// It is the one-sided p that b/nb is as large or larger by chance, and the two-sided p, of all
// tables that are no likelier than the observed one. Numbers that no runs can give have p 1.
func FisherExact(a, na, b, nb int) (greater, twoSided float64) {
	if a < 0 || b < 0 || a > na || b > nb {
		return 1, 1
	}
	const tie = 1e-7 // R's relative tolerance of likelihoods, in fisher.test
	observed := tableChance(b, nb, a+b, na+nb)
	for x := max(0, a+b-na); x <= min(a+b, nb); x++ {
		chance := tableChance(x, nb, a+b, na+nb)
		if x >= b {
			greater += chance
		}
		if chance <= observed*(1+tie) {
			twoSided += chance
		}
	}
	return min(1, greater), min(1, twoSided)
}

// tableChance is the hypergeometric chance that of the total runs' with, x are among the runs of
// one side.
func tableChance(x, runs, with, total int) float64 {
	log := combin.LogGeneralizedBinomial
	return math.Exp(log(float64(runs), float64(x)) + log(float64(total-runs), float64(with-x)) - log(float64(total),
		float64(with)))
}
