package flight

import (
	"slices"
	"testing"
	"time"
)

func TestTheGateLetsPassWhatTheLimitAllows(t *testing.T) {
	g := Gate{Limit: Limit{3, time.Hour}, Distance: time.Minute}
	for i, c := range []struct {
		seconds float64
		passes  bool
	}{
		{0, true}, {30, false}, {60, true}, {119, false}, {120, true}, // the limit is reached
		{1000, false}, {3599, false}, {3600, true}, {3650, false}, {3660, true}, {3661, false},
	} {
		err := g.Pass(at(c.seconds))
		if (err == nil) != c.passes {
			t.Errorf("trigger %d at %g s: %v, want it to pass: %v", i, c.seconds, err, c.passes)
		}
	}
	if g.Suppressed() != 6 {
		t.Errorf("%d suppressed, want 6", g.Suppressed())
	}
	if len(g.times) > 3 {
		t.Errorf("%d times are remembered", len(g.times))
	}
}

func TestAGateWithoutALimitKeepsTheDistanceAlone(t *testing.T) {
	g := Gate{Distance: time.Second}
	for i := range 100 {
		if err := g.Pass(at(float64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if g.Pass(at(99.5)) == nil || len(g.times) != 1 {
		t.Errorf("%d times are remembered, want 1", len(g.times))
	}
}

func TestLimitsAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"6/h", "6/h"}, {"1/10m", "1/10m0s"}, {"2/min", ""}, {"none", "none"}, {"3/m", "3/1m0s"}, {"0/h", ""},
		{"6", ""}, {"-1/h", ""}, {"6/", ""}, {"99999999/h", ""}, {"1/0s", ""},
	} {
		l, err := ParseLimit(c.text)
		if c.want == "" && err == nil || c.want != "" && (err != nil || l.String() != c.want) {
			t.Errorf("%q is %v, %v; want %q", c.text, l, err, c.want)
		}
	}
}

func TestSizesAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"512MB", 512e6}, {"4GiB", 4 << 30}, {"1.5 kB", 1500}, {"100", 100}, {"", 0}, {"-1MB", 0}, {"1PB", 0},
		{"NaN", 0}, {"1e30GB", 0}, {"0B", 0},
	} {
		got, err := ParseBytes(c.text)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%q is %d, %v; want %d", c.text, got, err, c.want)
		}
		if again, err := ParseBytes(FormatBytes(got)); c.want > 0 && (err != nil || again != got) {
			t.Errorf("%q is written as %q, which is %d, %v", c.text, FormatBytes(got), again, err)
		}
	}
}

func TestTheOldestSavedTracesGoFirst(t *testing.T) {
	saved := []Kept{{"c", at(30), 10}, {"a", at(10), 10}, {"d", at(40), 50}, {"b", at(20), 10}}
	for _, c := range []struct {
		name string
		keep Retention
		now  float64
		want []string
	}{
		{"nothing is bounded", Retention{}, 1e6, nil},
		{"by count", Retention{Count: 2}, 50, []string{"a", "b"}},
		{"by bytes", Retention{Bytes: 65}, 50, []string{"a", "b"}},
		{"the latest stays however large", Retention{Bytes: 1}, 50, []string{"a", "b", "c"}},
		{"by age", Retention{Age: 15 * time.Second}, 50, []string{"a", "b", "c"}},
		{"by age, all", Retention{Age: time.Second}, 50, []string{"a", "b", "c", "d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range c.keep.Drop(saved, at(c.now)) {
				got = append(got, s.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v go, want %v", got, c.want)
			}
		})
	}
}

func TestOptionsThatCannotBeMetAreRefused(t *testing.T) {
	for _, o := range []Options{
		{Keep: time.Millisecond}, {Keep: 1000 * time.Hour}, {KeepBytes: 3}, {After: -1},
		{Retain: &Retention{Count: -1}},
	} {
		if err := o.Check(); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := (Options{}).Check(); err != nil {
		t.Error(err)
	}
}

func FuzzParseLimitAndBytes(f *testing.F) {
	f.Add("6/h")
	f.Add("1.5 kB")
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := ParseLimit(text); err == nil {
			if again, err := ParseLimit(l.String()); err != nil || again != l {
				t.Errorf("%q is %v, and that %v, %v", text, l, again, err)
			}
		}
		if n, err := ParseBytes(text); err == nil {
			if again, err := ParseBytes(FormatBytes(n)); err != nil || again != n {
				t.Errorf("%q is %d, and that %d, %v", text, n, again, err)
			}
		}
	})
}
