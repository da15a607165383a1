package keep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// folder is where a flight recorder keeps and saves. Files in it are reached through its
// descriptor: a link that somebody puts in the place of a folder leads nowhere.
type folder struct {
	root *os.Root
	lock *os.File
	path string

	uid, gid int // whose files are to be; −1: ours
}

const (
	mode    = 0o600
	dirMode = 0o700
)

// openFolder makes the folder where there is none, and locks it.
func openFolder(path string, owner func() (uid, gid int, ok bool)) (*folder, error) {
	path = filepath.Clean(path)
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the folder for what is kept: %w", err)
	}
	lock, err := os.OpenFile(path, syscall.O_DIRECTORY|syscall.O_NOFOLLOW|os.O_RDONLY, 0)
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("%s is no folder, or a link to one: name the folder itself", path)
	case err != nil:
		return nil, fmt.Errorf("open the folder for what is kept: %w", err)
	}
	if err := checkOwner(path, lock); err != nil {
		lock.Close()
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another recorder keeps its last seconds in %s: name another folder", path)
	}
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", lock.Fd())) // the one that is locked
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open the folder for what is kept: %w", err)
	}
	f := &folder{root: root, lock: lock, path: path, uid: -1, gid: -1}
	if owner != nil {
		if uid, gid, ok := owner(); ok {
			f.uid, f.gid = uid, gid
		}
	}
	if f.uid >= 0 {
		if err := lock.Chown(f.uid, f.gid); err != nil {
			return nil, errors.Join(fmt.Errorf("give the folder to who called: %w", err), f.close())
		}
	}
	return f, nil
}

// checkOwner refuses a folder into which others could put files.
func checkOwner(path string, dir *os.File) error {
	info, err := dir.Stat()
	if err != nil {
		return fmt.Errorf("open the folder for what is kept: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("everybody may write into %s: name a folder of your own in it", path)
	}
	return nil
}

func (f *folder) close() error { return errors.Join(f.root.Close(), f.lock.Close()) }

// create makes a file that is not there yet.
func (f *folder) create(name string) (*os.File, error) {
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL|syscall.O_NOFOLLOW, mode)
	if err == nil && f.uid >= 0 {
		if err = file.Chown(f.uid, f.gid); err != nil {
			file.Close()
			return nil, err
		}
	}
	return file, err
}

// mkdir makes a folder that is not there yet.
func (f *folder) mkdir(name string) error {
	err := f.root.Mkdir(name, dirMode)
	if err == nil && f.uid >= 0 {
		err = f.root.Lchown(name, f.uid, f.gid)
	}
	return err
}

// link has a file appear in another place too.
func (f *folder) link(from, to string) error {
	err := f.root.Link(from, to)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EMLINK) {
		return f.copy(from, to) // the file system has no links
	}
	return err
}

func (f *folder) copy(from, to string) error {
	in, err := f.root.OpenFile(from, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := f.create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}

// names are what is in a folder in the folder, "." for itself.
func (f *folder) names(dir string) ([]fs.DirEntry, error) {
	d, err := f.root.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}

// sync has a saved folder survive the machine's death.
func (f *folder) sync(dir string) error {
	entries, err := f.names(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := f.syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return f.syncFile(dir)
}

func (f *folder) syncFile(name string) error {
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// remove removes a saved folder, if nothing else is in it than what this package puts there.
func (f *folder) remove(dir string) error {
	entries, err := f.names(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isOurs(e.Name()) {
			return fmt.Errorf("%s has %s in it, which is not of gosched: it stays", filepath.Join(f.path, dir),
				e.Name())
		}
	}
	for _, e := range entries {
		if err := f.root.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return f.root.Remove(dir)
}

// isOurs says whether a file's name is that of a segment, a head, or one in the making.
func isOurs(name string) bool {
	digits, ok := strings.CutPrefix(name, "gosched-")
	if !ok {
		return false
	}
	number := strings.TrimLeft(digits, "0123456789")
	return len(number) < len(digits) && (number == segmentEnd || number == segmentEnd+tempEnd || number == headEnd ||
		number == headEnd+tempEnd)
}

const (
	segmentEnd = ".parquet"
	headEnd    = ".head"
	tempEnd    = ".tmp"
)
