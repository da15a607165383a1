package record

import (
	"testing"

	"github.com/gosched/gosched/format"
)

// TestWhatIsUnsureCountsOnce has the goroutines read twice at the beginning, as where a plugin is
// opened, and once at the end.
func TestWhatIsUnsureCountsOnce(t *testing.T) {
	sub := &subject{
		follow:    &follower{unsure: [2]int64{3, 5}},
		snapshots: []format.Snapshot{{BeginNS: 1}, {BeginNS: 2}, {BeginNS: 9, AtEnd: true}},
	}
	s := &session{all: []*subject{sub}}
	s.describeSnapshots()
	var unsure []int64
	for _, made := range s.meta.Snapshots {
		unsure = append(unsure, made.Unsure)
	}
	if len(unsure) != 3 || unsure[0] != 0 || unsure[1] != 3 || unsure[2] != 5 {
		t.Errorf("%v are unsure, want 0, 3 and 5", unsure)
	}
}
