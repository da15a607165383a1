package stats

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// million is the whole of which a quantile is so many parts.
const million = 1_000_000

// Quantile is a percentile: what it is called and how much of all values is not above it. A table
// of percentiles is a []Quantile.
type Quantile struct {
	Name string // "p" and the percentage, such as "p99.9"
	PPM  int    // parts per million: 999,000 of p99.9
}

// The quantiles that are printed where nobody asks for others.
var (
	P50  = Quantile{"p50", 500_000}
	P90  = Quantile{"p90", 900_000}
	P99  = Quantile{"p99", 990_000}
	P999 = Quantile{"p99.9", 999_000}
)

// String is the name.
func (q Quantile) String() string { return q.Name }

// Percentage is the quantile in percent, as ParseQuantile reads it.
func (q Quantile) Percentage() string { return strings.TrimPrefix(q.Name, "p") }

// LeastCount is how many values it takes for the quantile to differ from the largest of them: 1,000
// for p99.9.
func (q Quantile) LeastCount() int64 {
	above := int64(million - q.PPM)
	return (million + above - 1) / above
}

// rank is the smallest rank r in [1, n] with r·1,000,000 ≥ n·PPM.
func (q Quantile) rank(n int64) int64 {
	ppm := int64(q.PPM)
	whole, rest := n/million, n%million // n·PPM without overflow
	return min(max(whole*ppm+(rest*ppm+million-1)/million, 1), n)
}

// share is the quantile as a part of 1.
func (q Quantile) share() float64 { return float64(q.PPM) / million }

// left is how much of all values may be above the quantile, as a part of 1.
func (q Quantile) left() float64 { return float64(million-q.PPM) / million }

// decimals is how many decimals of a percentage a quantile holds exactly.
const decimals = 4

// ParseQuantile reads a quantile from a percentage such as "99.9", or from its name.
func ParseQuantile(text string) (Quantile, error) {
	whole, fraction, pointed := strings.Cut(strings.TrimPrefix(text, "p"), ".")
	whole, rest := strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	ppm, err := strconv.Atoi("0" + whole + rest + strings.Repeat("0", max(0, decimals-len(rest))))
	if !digits("0"+whole+fraction) || pointed && fraction == "" || len(whole) > 2 || len(rest) > decimals ||
		err != nil || ppm == 0 {
		return Quantile{}, fmt.Errorf("%q is not a percentile: it is a number above 0 and below 100 with at most %d "+
			"decimals, such as 99.9", text, decimals)
	}
	return quantileOf(ppm), nil
}

// digits says whether a text is made of decimal digits.
func digits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// quantileOf is the quantile of so many parts per million, with its shortest name.
func quantileOf(ppm int) Quantile {
	return Quantile{Name: "p" + strconv.FormatFloat(float64(ppm)/10_000, 'f', -1, 64), PPM: ppm}
}

// ParseQuantiles reads a list such as "50,95,99.99". No percentile may be there twice.
func ParseQuantiles(list string) ([]Quantile, error) {
	if list == "" {
		return nil, errors.New("the list of percentiles is empty: write some, such as 50,95,99.9")
	}
	var out []Quantile
	seen := map[int]bool{}
	for text := range strings.SplitSeq(list, ",") {
		q, err := ParseQuantile(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if seen[q.PPM] {
			return nil, fmt.Errorf("%s is listed twice", q.Name)
		}
		seen[q.PPM] = true
		out = append(out, q)
	}
	return out, nil
}

// Percentile is a quantile of durations as JSON documents have it.
type Percentile struct {
	Name string `json:"name"`
	NS   *int64 `json:"ns"` // nil: undefined, as there are no values or too many were censored
	// where NS is nil because windows were too short for it: what it is at least
	AtLeastNS *int64 `json:"at_least_ns,omitempty"`
}

// Percentiles are quantiles of the histogram, in the order of the list.
func (h *Histogram) Percentiles(list []Quantile) []Percentile {
	out := make([]Percentile, len(list))
	for i, q := range list {
		out[i].Name = q.Name
		if v, defined := h.Quantile(q); defined {
			out[i].NS = &v
		}
	}
	return out
}
