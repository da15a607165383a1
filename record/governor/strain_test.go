package governor

import "testing"

func TestWatchFindsNeed(t *testing.T) {
	const second = 1e9
	for _, c := range []struct {
		name        string
		first, then Strain
		want        Cause
	}{
		{"nothing", Strain{}, Strain{}, CauseNone},
		{"what was before", Strain{StalledNS: 5 * second, Throttled: 9}, Strain{StalledNS: 5 * second, Throttled: 9},
			CauseNone},
		{"a little stall", Strain{}, Strain{StalledNS: second / 20}, CauseNone},
		{"stalls", Strain{}, Strain{StalledNS: second / 5}, CauseMemory},
		{"near the limit", Strain{Memory: 0.5}, Strain{Memory: 0.97}, CauseMemory},
		{"throttled", Strain{Throttled: 3}, Strain{Throttled: 4}, CauseThrottled},
		{"both", Strain{}, Strain{Throttled: 4, Memory: 1}, CauseMemory},
	} {
		var w Watch
		w.Look(0, 1, c.first)
		if got := w.Look(second, 1, c.then); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
