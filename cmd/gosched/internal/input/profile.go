package input

import (
	"fmt"
	"os"

	"github.com/gosched/gosched/analyze/goroutines/profile"
)

// Profile reads a goroutine profile, in any of its encodings; "" is none.
func Profile(path string) (*profile.Profile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open profile: %w", err)
	}
	defer f.Close()
	prof, err := profile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("open profile: %s: %w", path, err)
	}
	return prof, nil
}
