package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// HandOver gives a trace, or what there is of it, to the user who called sudo: traces
// are readable by their owner only, and that user is the one who will read it.
func HandOver(trace string) error {
	uid, gid, ok := Caller()
	if !ok {
		return nil
	}
	for _, path := range []string{trace, trace + ".partial"} {
		err := give(unix.AT_FDCWD, path, uid, gid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("give the trace to user %d: %w", uid, err)
		}
	}
	return nil
}

// HandsOver says whether HandOver has somebody to give a trace to.
func HandsOver() bool {
	_, _, ok := Caller()
	return ok
}

// Caller is the user who called sudo.
func Caller() (uid, gid int, ok bool) {
	uid, err1 := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, err2 := strconv.Atoi(os.Getenv("SUDO_GID"))
	return uid, gid, os.Geteuid() == 0 && err1 == nil && err2 == nil
}

// give changes the owner of a file, or of a folder with what is in it. What is given is what was
// looked at, an open file and no name: no symbolic link is followed, and what is not the caller's
// own, or has a second name, is somebody else's and stays as it is.
func give(parent int, name string, uid, gid int) error {
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	folder := stat.Mode&unix.S_IFMT == unix.S_IFDIR
	file := stat.Mode&unix.S_IFMT == unix.S_IFREG && stat.Nlink == 1
	if int(stat.Uid) != os.Geteuid() || !folder && !file {
		return nil
	}
	if folder {
		if err := giveInside(fd, name, uid, gid); err != nil {
			return err
		}
	}
	if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
		return &fs.PathError{Op: "chown", Path: name, Err: err}
	}
	return nil
}

func giveInside(fd int, name string, uid, gid int) error {
	inside, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	folder := os.NewFile(uintptr(inside), name)
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, inside := range names {
		if err := give(int(folder.Fd()), inside, uid, gid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
