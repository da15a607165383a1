package main

import (
	"fmt"
	"io/fs"
	"os"
)

// refuseToOverwrite is an error where a file is there already and force is not given, and in any
// case where a symbolic link is: it may be another user's, and what it leads to was not named. One
// that leads to a folder is the format's to judge.
func refuseToOverwrite(path string, force bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // what else is wrong with it is found when it is created
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err := os.Stat(path); err == nil && target.IsDir() {
			return nil
		}
		return fmt.Errorf("%s is a symbolic link, and none is followed or replaced: name the file itself with -o", path)
	}
	if force || info.IsDir() {
		return nil
	}
	return fmt.Errorf("%s is there already: name another file with -o, or overwrite it with --force", path)
}
