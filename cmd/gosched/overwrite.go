package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// refuseToOverwrite is an error where a file is there already, or a symbolic link that leads
// nowhere, and force is not given.
func refuseToOverwrite(path string, force bool) error {
	info, err := os.Stat(path)
	_, linkErr := os.Lstat(path)
	switch {
	case force:
		return nil
	case errors.Is(err, fs.ErrNotExist) && linkErr == nil:
		const text = "%s is a symbolic link to what is not there: name another file with -o, or replace the link " +
			"with --force"
		return fmt.Errorf(text, path)
	case err != nil || info.IsDir():
		return nil
	}
	return fmt.Errorf("%s is there already: name another file with -o, or overwrite it with --force", path)
}
