package stats

import (
	"math"
	"strings"
	"testing"
)

// perMille is a quantile of so many thousandths.
func perMille(n int) Quantile { return quantileOf(n * 1000) }

func TestParseQuantile(t *testing.T) {
	for text, want := range map[string]Quantile{
		"50": P50, "p50": P50, "90": P90, "99": P99, "99.9": P999, "p99.9": P999, "99.900": P999,
		"99.99": {"p99.99", 999_900}, "99.9999": {"p99.9999", 999_999}, "5": {"p5", 50_000}, "05": {"p5", 50_000},
		".5": {"p0.5", 5_000}, "0.5": {"p0.5", 5_000}, "0.0001": {"p0.0001", 1}, "12.5": {"p12.5", 125_000},
	} {
		if got, err := ParseQuantile(text); err != nil || got != want {
			t.Errorf("ParseQuantile(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "p", ".", "0", "0.0", "100", "100.0", "-1", "+5", "5.", "1e1", "99,9", "0x1", "pp5", "99.99999", "99.9.9",
		" 5",
		"99999999999999999999", "NaN", "٥", "5%",
	} {
		if got, err := ParseQuantile(text); err == nil {
			t.Errorf("ParseQuantile(%q) = %v, want an error", text, got)
		}
	}
	for ppm := 1; ppm < million; ppm++ {
		if q := quantileOf(ppm); ppm%997 == 0 || ppm > million-1000 || ppm < 1000 {
			if got, err := ParseQuantile(q.Name); err != nil || got != q {
				t.Fatalf("%v is read as %v, %v", q, got, err)
			}
		}
	}
}

func TestParseQuantiles(t *testing.T) {
	got, err := ParseQuantiles("50, 95,99.99")
	if err != nil || len(got) != 3 || got[0] != P50 || got[1].PPM != 950_000 || got[2].Name != "p99.99" {
		t.Errorf("ParseQuantiles gives %v, %v", got, err)
	}
	for list, want := range map[string]string{"": "empty", "50,": `"" is not`, "50,p50": "p50 is listed twice",
		"x": `"x"`} {
		if _, err := ParseQuantiles(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseQuantiles(%q): %v, want an error with %q", list, err, want)
		}
	}
}

func TestLeastCountIsWhereAQuantileLeavesTheMaximum(t *testing.T) {
	for _, q := range []Quantile{P50, P90, P99, P999, quantileOf(999_900), quantileOf(999_999), quantileOf(1),
		quantileOf(333_333)} {
		n := q.LeastCount()
		if q.rank(n) >= n || n > 1 && q.rank(n-1) != n-1 {
			t.Errorf("%v: rank %d of %d, %d of %d", q, q.rank(n), n, q.rank(n-1), n-1)
		}
	}
	if got := P999.LeastCount(); got != 1000 {
		t.Errorf("p99.9 needs %d values", got)
	}
}

func TestRanksAreExact(t *testing.T) {
	fine := quantileOf(999_900)
	for n, want := range map[int64]int64{1: 1, 9_999: 9_999, 10_000: 9_999, 10_001: 10_000, 20_000: 19_998} {
		if got := fine.rank(n); got != want {
			t.Errorf("p99.99 of %d values is the one of rank %d, want %d", n, got, want)
		}
	}
	if r := P999.rank(math.MaxInt64); r < math.MaxInt64/1000*999 {
		t.Errorf("p99.9 of %d values is the one of rank %d", int64(math.MaxInt64), r)
	}
}
