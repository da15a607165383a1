package format

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// createOwn makes a new file that its owner alone can read. What a killed recorder left under its
// name is removed first, and so is a symbolic link: none is followed, whoever put it there.
func createOwn(path string) (*os.File, error) {
	const flags = os.O_CREATE | os.O_EXCL | os.O_WRONLY // O_EXCL follows no link: open(2)
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flags, 0o600)
}

// makePartial makes the folder for the segments of a trace that will be one file. It is nobody
// else's: who may write to it could exchange what is in it before it is joined.
func makePartial(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedByCaller(info) || writableByOthers(info) {
		return fmt.Errorf("%s is there already and not a folder of yours alone: remove it, or name another file", dir)
	}
	return nil
}

// makeFolder makes the folder where segments stay. A symbolic link that leads to one is followed
// only where nobody else can have put it.
func makeFolder(dir string) error {
	dir = filepath.Clean(dir)
	if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		parent, err := os.Stat(filepath.Dir(dir))
		if err != nil {
			return err
		}
		if writableByOthers(parent) {
			return fmt.Errorf("%s is a symbolic link in a folder that others can write to: name the folder itself", dir)
		}
	}
	if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// writableByOthers says whether others than its owner may write to a folder.
func writableByOthers(info fs.FileInfo) bool { return hasModes && info.Mode().Perm()&0o022 != 0 }
