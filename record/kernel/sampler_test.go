package kernel

import (
	"slices"
	"testing"
)

func TestListsOfCPUsAreRead(t *testing.T) {
	for list, want := range map[string][]int{
		"0": {0}, "0-1": {0, 1}, "0-2,5,8-9": {0, 1, 2, 5, 8, 9}, "": nil, "a": nil, "3-1": nil, "0,": nil, "-1": nil,
	} {
		got, err := parseCPUs(list)
		if !slices.Equal(got, want) && err == nil || (err != nil) != (want == nil) {
			t.Errorf("%q: %v, %v; want %v", list, got, err, want)
		}
	}
}
