package ab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrNotEmpty is wrapped by the error of CheckFolder.
var ErrNotEmpty = errors.New("is there already and not empty")

// ErrForeign is wrapped by the error about a file among the recordings that Record did not write.
var ErrForeign = errors.New("is not one of record-ab's recordings")

// CheckFolder is an error where dir is there and not empty.
func CheckFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s %w", dir, ErrNotEmpty)
	}
	return nil
}

// ownFiles are the names that Record gives to what it makes, by the folder below its own.
var ownFiles = map[string][]string{
	"":           {"[0-9]*-base.log", "[0-9]*-head.log", "warm-up-[0-9]*.log"},
	string(Base): {"[0-9]*.parquet", "[0-9]*.parquet.partial"},
	string(Head): {"[0-9]*.parquet", "[0-9]*.parquet.partial"},
}

// makeFolder makes the folders, and removes what an earlier Record left there. Other recordings
// would be compared as well, so that there may be none.
func makeFolder(dir string) error {
	for below, patterns := range ownFiles {
		if err := removeAll(filepath.Join(dir, below), patterns); err != nil {
			return err
		}
	}
	for _, s := range []Side{Base, Head} {
		below := filepath.Join(dir, string(s))
		if err := os.MkdirAll(below, 0o755); err != nil {
			return err
		}
		others, err := os.ReadDir(below)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return fmt.Errorf("%s %w", filepath.Join(below, others[0].Name()), ErrForeign)
		}
	}
	return nil
}

// removeAll removes what in a folder has a name of these patterns. The folder's own name is none.
func removeAll(dir string, patterns []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		own := slices.ContainsFunc(patterns, func(pattern string) bool {
			matched, _ := filepath.Match(pattern, e.Name()) // the patterns are well-formed
			return matched
		})
		if !own {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Recordings are the recordings of one side below dir, in their order.
func Recordings(dir string, s Side) ([]string, error) {
	below := filepath.Join(dir, string(s))
	entries, err := os.ReadDir(below)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".parquet" {
			paths = append(paths, filepath.Join(below, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no recordings any more", below)
	}
	return paths, nil
}
