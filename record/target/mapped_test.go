package target

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
)

// mapFile has this process map a new file with some content, and returns the mapping.
func mapFile(t *testing.T, path, content string) Mapping {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, len(content), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	maps, err := open(t, os.Getpid()).Maps()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if m.Path == path {
			return m
		}
	}
	t.Fatalf("%s is in no mapping", path)
	return Mapping{}
}

func content(t *testing.T, f *MappedFile) string {
	t.Helper()
	b, err := io.ReadAll(f)
	again, againErr := os.ReadFile(f.OpenPath())
	if err := errors.Join(err, againErr, f.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, again) {
		t.Errorf("the file holds %q, and at its path %q", b, again)
	}
	return string(b)
}

func TestAMappedFileIsOpenedAndNotWhatTookItsPlace(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root may open mapped files themselves")
	}
	path := filepath.Join(t.TempDir(), "lib.so")
	m := mapFile(t, path, "the mapped one")
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("another"), 0o755)); err != nil {
		t.Fatal(err)
	}
	f, err := open(t, os.Getpid()).OpenMapping(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, f); got != "the mapped one" || !f.Exact || !f.Mapped {
		t.Errorf("opened %q, exact %v, mapped %v", got, f.Exact, f.Mapped)
	}
}

// withoutPrivileges does something on a thread without the right to open mapped files.
func withoutPrivileges(t *testing.T, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		err := unix.Capset(&hdr, &data[0])
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWithoutPrivilegesAMappedFileIsFoundByItsPath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lib.so")
	m := mapFile(t, path, "the mapped one")
	self := open(t, os.Getpid())
	withoutPrivileges(t, func() {
		f, err := self.OpenMapping(m)
		if err != nil {
			t.Error(err)
			return
		}
		if got := content(t, f); got != "the mapped one" || f.Exact || !f.Mapped {
			t.Errorf("opened %q, exact %v, mapped %v", got, f.Exact, f.Mapped)
		}
	})
	if err := errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, []byte("another"), 0o755)); err != nil {
		t.Fatal(err)
	}
	withoutPrivileges(t, func() {
		f, err := self.OpenMapping(m)
		if err != nil {
			t.Error(err)
			return
		}
		if got := content(t, f); got != "another" || f.Exact || f.Mapped {
			t.Errorf("opened %q, exact %v, mapped %v: not to be told from the mapped file", got, f.Exact, f.Mapped)
		}
	})
	m.Path += deletedMark
	withoutPrivileges(t, func() {
		if f, err := self.OpenMapping(m); err == nil || !strings.Contains(err.Error(), "was deleted") {
			t.Errorf("a deleted file was opened as %v: %v", f, err)
		}
	})
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	self := open(t, os.Getpid())
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := self.OpenMapping(Mapping{Start: 1}); err == nil {
		t.Error("memory of no file was opened")
	}
	withoutPrivileges(t, func() {
		if _, err := self.openInRoot(fifo); !errors.Is(err, errNotRegular) {
			t.Errorf("a FIFO: %v", err)
		}
	})
}
