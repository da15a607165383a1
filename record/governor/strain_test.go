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

// TestWatchFindsTheNeedThatWasAskedFor has limits other than the usual ones, and changes them.
func TestWatchFindsTheNeedThatWasAskedFor(t *testing.T) {
	const second = 1e9
	for _, c := range []struct {
		name string
		need Need
		then Strain
		want Cause
	}{
		{"a little stall", Need{Stalled: 0.02}, Strain{StalledNS: second / 20}, CauseMemory},
		{"stalls that may be", Need{Stalled: 0.5}, Strain{StalledNS: second / 5}, CauseNone},
		{"half of the limit", Need{Memory: 0.5}, Strain{Memory: 0.5}, CauseMemory},
		{"near the limit, as may be", Need{Memory: 1}, Strain{Memory: 0.97}, CauseNone},
		{"throttled, as may be", Need{NoThrottled: true}, Strain{Throttled: 4}, CauseNone},
		{"the others hold", Need{NoThrottled: true}, Strain{Throttled: 4, Memory: 0.95}, CauseMemory},
	} {
		var w Watch
		w.Look(0, 1, Strain{})
		w.Need = c.need
		if got := w.Look(second, 1, c.then); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
