package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// refuseFolder is an error where record-ab may not write to a folder: there is something else in it.
func refuseFolder(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0 && !force:
		return fmt.Errorf("%s is there already and not empty: name another folder with -o, or replace its recordings with --force", dir)
	}
	return nil
}

// ownFiles are the names that record-ab gives to what it makes.
var ownFiles = []string{
	"base/[0-9]*.parquet", "base/[0-9]*.parquet.partial", "head/[0-9]*.parquet", "head/[0-9]*.parquet.partial",
	"[0-9]*-base.log", "[0-9]*-head.log", "warm-up-[0-9]*.log",
}

// makeFolder makes the folders, and removes what an earlier record-ab left there. Other recordings would be compared as well, so
// that there may be none.
func makeFolder(dir string) error {
	for _, pattern := range ownFiles {
		if err := removeAll(filepath.Join(dir, pattern)); err != nil {
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
			return fmt.Errorf("%s is not one of record-ab's recordings: move it elsewhere, or name another folder with -o",
				filepath.Join(below, others[0].Name()))
		}
	}
	return nil
}

func removeAll(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
