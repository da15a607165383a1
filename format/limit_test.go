package format

import "testing"

func TestALimitIsReadBack(t *testing.T) {
	for _, l := range []Limit{{LimitProcs, 1}, {LimitProcs, 300}, {LimitQuota, 0.25}, {LimitQuota, 12},
		{LimitQuota, NoLimit}} {
		if got, ok := ParseLimit(l.String()); !ok || got != l {
			t.Errorf("%q is read as %+v, %v", l, got, ok)
		}
	}
}

func TestWhatIsNoLimitIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "GOMAXPROCS", "GOMAXPROCS ", "GOMAXPROCS 0", "GOMAXPROCS -1", "GOMAXPROCS 1.5", "GOMAXPROCS none",
		"GOMAXPROCS 3000000000",
		"CPU quota 0", "CPU quota -1", "CPU quota NaN", "CPU quota Inf", "CPU quota 1e300", "CPU quota", "memory 4",
		"stopped",
	} {
		if l, ok := ParseLimit(text); ok {
			t.Errorf("%q is read as %+v", text, l)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	f.Add("GOMAXPROCS 4")
	f.Add("CPU quota 1.5")
	f.Add("CPU quota none")
	f.Fuzz(func(t *testing.T, text string) {
		l, ok := ParseLimit(text)
		if !ok {
			return
		}
		if again, ok := ParseLimit(l.String()); !ok || again != l {
			t.Errorf("%q is %+v, written %q, read back %+v, %v", text, l, l, again, ok)
		}
	})
}
