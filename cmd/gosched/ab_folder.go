package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// refuseFolder is an error where record-ab may not write to a folder: there is something else in
// it.
func refuseFolder(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0 && !force:
		return fmt.Errorf("%s is there already and not empty: name another folder with -o, or replace its "+
			"recordings with --force", dir)
	}
	return nil
}

// ownFiles are the names that record-ab gives to what it makes, by the folder below its own.
var ownFiles = map[string][]string{
	"":               {"[0-9]*-base.log", "[0-9]*-head.log", "warm-up-[0-9]*.log"},
	string(baseSide): {"[0-9]*.parquet", "[0-9]*.parquet.partial"},
	string(headSide): {"[0-9]*.parquet", "[0-9]*.parquet.partial"},
}

// makeFolder makes the folders, and removes what an earlier record-ab left there. Other recordings
// would be compared as well, so that there may be none.
func makeFolder(dir string) error {
	for below, patterns := range ownFiles {
		if err := removeAll(filepath.Join(dir, below), patterns); err != nil {
			return err
		}
	}
	for _, s := range []side{baseSide, headSide} {
		below := filepath.Join(dir, string(s))
		if err := os.MkdirAll(below, 0o755); err != nil {
			return err
		}
		others, err := os.ReadDir(below)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return fmt.Errorf("%s is not one of record-ab's recordings: move it elsewhere, or name another folder "+
				"with -o", filepath.Join(below, others[0].Name()))
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

// recordingsIn are the recordings of one side, in their order.
func recordingsIn(dir string, s side) ([]string, error) {
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

// patternsOf are what --base and --head take for these recordings: one pattern, or where the
// folder's name would be one too the recordings one by one.
func patternsOf(recordings []string) []string {
	below := filepath.Dir(recordings[0])
	if strings.ContainsAny(below, `*?[\`) {
		return recordings
	}
	return []string{filepath.Join(below, "*.parquet")}
}
