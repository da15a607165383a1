package report

import (
	"math"
	"strconv"
	"strings"
)

// String is the cell as people read it where it stands alone: a number with its unit.
func (c Cell) String() string {
	switch {
	case c.Unknown:
		return "?"
	case c.AtLeast:
		c.AtLeast = false
		return "≥" + c.String()
	}
	switch c.Unit {
	case UnitCount:
		return FormatCount(c.Int)
	case UnitDuration:
		return FormatDuration(c.Int)
	case UnitShare:
		return FormatShare(c.Float)
	case UnitBytes:
		return FormatBytes(c.Int)
	case UnitRatio:
		return FormatRatio(c.Float)
	case UnitP:
		return FormatProbability(c.Float)
	case UnitRate:
		return FormatRate(c.Float)
	case UnitAverage:
		return FormatAverage(c.Float, "")
	case UnitPerSecond:
		return FormatPerSecond(c.Float)
	}
	return c.Text
}

// numeric says whether the cell stands at the right of its column.
func (c Cell) numeric() bool { return c.Unit != UnitText && c.Unit != UnitFunction || c.Unknown }

// FormatPerSecond writes seconds per second: 1.45 s/s, 0.035 s/s.
func FormatPerSecond(v float64) string {
	digits := 2
	if math.Abs(v) < 1 {
		digits = 3
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " s/s"
}

// FormatCount writes a number with its thousands apart: 1,234,567.
func FormatCount(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return sign + strings.Join(append([]string{s}, parts...), ",")
}

// FormatNumber writes a number of things with their name, in the plural unless it is one: 1 event,
// 1,234 events.
func FormatNumber(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return FormatCount(n) + " " + thing
}

// FormatAverage writes how many things there were on average: 16.7 goroutines, 0.05 goroutines.
func FormatAverage(n float64, thing string) string {
	text := thing + "s"
	if thing == "" {
		text = ""
	}
	switch {
	case n != 0 && n < 0.005:
		return strings.TrimSpace("<0.01 " + text)
	case n < 0.995:
		return strings.TrimSpace(strconv.FormatFloat(n, 'f', 2, 64) + " " + text)
	case n < 99.95:
		return strings.TrimSpace(strconv.FormatFloat(n, 'f', 1, 64) + " " + text)
	}
	return strings.TrimSpace(FormatCount(int64(math.Round(n))) + " " + text)
}

// scale is a unit: from how much of the base unit on it is used, and how much it is.
type scale struct {
	from, size float64
	name       string
}

// Seconds go on where minutes would begin: 78.0 s and 754 s are compared at a glance, 1.30 min and
// 754 s are not.
var durationScales = []scale{{36_000e9, 3_600e9, "h"}, {1e9, 1e9, "s"}, {1e6, 1e6, "ms"}, {1e3, 1e3, "µs"},
	{0, 1, "ns"}}

var byteScales = []scale{{1 << 40, 1 << 40, "TiB"}, {1 << 30, 1 << 30, "GiB"}, {1 << 20, 1 << 20, "MiB"},
	{1 << 10, 1 << 10, "KiB"}, {0, 1, "B"}}

// FormatDuration writes nanoseconds with three digits: 734 ns, 1.23 ms, 45.6 s, 1,234 s, 12.5 h.
func FormatDuration(ns int64) string { return scaled(ns, durationScales) }

// FormatBytes writes a size with three digits: 1.50 KiB.
func FormatBytes(n int64) string { return scaled(n, byteScales) }

func scaled(n int64, scales []scale) string {
	a := abs(n)
	for i, s := range scales {
		if a < s.from {
			continue
		}
		if i > 0 && a >= threeDigitsUp(scales[i-1].from) {
			s = scales[i-1] // it is rounded up to the larger unit
		}
		if s.size == 1 {
			return FormatCount(n) + " " + s.name
		}
		return threeDigits(float64(n)/s.size) + " " + s.name
	}
	return "?"
}

// threeDigitsUp is the smallest number that three digits round up to a limit.
func threeDigitsUp(limit float64) float64 { return 0.9995 * limit }

func abs(n int64) float64 { return math.Abs(float64(n)) }

// threeDigits writes v with three significant digits, and all of the digits before the point.
func threeDigits(v float64) string {
	switch a := math.Abs(v); {
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return FormatCount(int64(math.Round(v)))
}

// FormatShare writes a share as a percentage: 12.3%, 0.05%, <0.01%.
func FormatShare(part float64) string {
	p := 100 * part
	switch a := math.Abs(p); {
	case p == 0:
		return "0%"
	case a >= 99.95 && a < 100.05:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	case a < 0.01:
		return "<0.01%"
	case a < 0.995:
		return strconv.FormatFloat(p, 'f', 2, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// FormatRatio writes how many times another value one is, with three digits: 0.98×, 12.3×, 1,234×.
func FormatRatio(times float64) string { return magnitude(times, "×") }

// FormatRate writes things a second, with three digits: 0.52/s, 12.3/s, 1,234/s.
func FormatRate(perSecond float64) string { return magnitude(perSecond, "/s") }

// magnitude writes a number of any size with its unit. What is not 0 is not written as 0, and
// what is no number is written as unknown.
func magnitude(v float64, unit string) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "?"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+") + unit
	case a == 0:
		return "0" + unit
	case a < 0.005 && v < 0:
		return ">-0.01" + unit
	case a < 0.005:
		return "<0.01" + unit
	case a < 999.5:
		return threeDigits(v) + unit
	case a < 1e15:
		return FormatCount(int64(math.Round(v))) + unit
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + unit
}

// FormatProbability writes a probability: 0.31, 0.002, <0.001.
func FormatProbability(p float64) string {
	switch {
	case math.IsNaN(p):
		return "?"
	case p < 0.001:
		return "<0.001"
	case p < 0.0995:
		return strconv.FormatFloat(p, 'f', 3, 64)
	}
	return strconv.FormatFloat(p, 'f', 2, 64)
}
