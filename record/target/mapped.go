//go:build linux

package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MappedFile is the file of a mapping, open for reading. The caller closes it.
type MappedFile struct {
	*os.File
	// Exact: the kernel gave the very file that is mapped. Otherwise it was opened by its path in
	// the process's mount namespace, where another file may have taken its place since.
	Exact bool
	// Mapped: it is the file that is mapped, as far as its inode's number tells.
	Mapped bool
}

// OpenPath is a path that opens the same file, as long as it is not closed here.
func (f *MappedFile) OpenPath() string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// deletedMark is what the kernel appends to the path of a file that is there no more.
const deletedMark = " (deleted)"

// File is the path of the mapping's file, also of one that was deleted.
func (m *Mapping) File() string { return strings.TrimSuffix(m.Path, deletedMark) }

// OpenMapping opens the file of a mapping of the process. The kernel gives out mapped files
// themselves to CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE alone; without them a file is found by its
// path, if that is still there. The error says why it cannot be opened, not which file it is.
func (p *Process) OpenMapping(m Mapping) (*MappedFile, error) {
	if m.Inode == 0 {
		return nil, errors.New("it is memory of no file")
	}
	f, err := openRegular(p.path(fmt.Sprintf("map_files/%x-%x", m.Start, m.End)))
	if err == nil {
		return &MappedFile{File: f, Exact: true, Mapped: true}, nil
	}
	if !errors.Is(err, fs.ErrPermission) {
		return nil, gone(err)
	}
	if strings.HasSuffix(m.Path, deletedMark) {
		return nil, errors.New("it was deleted, and only root can open it")
	}
	if f, err = p.openInRoot(m.Path); err != nil {
		return nil, fmt.Errorf("open it: %w", err)
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	return &MappedFile{File: f, Mapped: err == nil && st.Ino == m.Inode}, nil
}

// openRegular opens a regular file: what else a link leads to might wait or do something when it is
// opened.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return os.Open(path)
}

var errNotRegular = errors.New("not a regular file")

// openInRoot opens a path as the process would. No link on the way leads out of the process's root.
func (p *Process) openInRoot(path string) (*os.File, error) {
	root, err := os.OpenFile(p.path("root"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, gone(err)
	}
	defer root.Close()
	how := &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(root.Fd()), path, how)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errNotRegular, err, f.Close())
	}
	return f, nil
}

// MappingAt is the mapping that holds an address; false if there is none.
func MappingAt(maps []Mapping, addr uint64) (Mapping, bool) {
	for _, m := range maps {
		if addr >= m.Start && addr < m.End {
			return m, true
		}
	}
	return Mapping{}, false
}
