package output

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

// TestOnlyWhatIsTheRecordersIsHandedOver puts beside the segments of a recording what another user
// could put there.
func TestOnlyWhatIsTheRecordersIsHandedOver(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root can give files to others")
	}
	const uid, gid = 65534, 65533
	t.Setenv("SUDO_UID", "65534")
	t.Setenv("SUDO_GID", "65533")
	dir := t.TempDir()
	trace, victim := filepath.Join(dir, "trace"), filepath.Join(dir, "victim")
	below := filepath.Join(trace, "below")
	hard, own, theirs := filepath.Join(trace, "hard"), filepath.Join(below, "own"), filepath.Join(trace, "theirs")
	for _, err := range []error{
		os.MkdirAll(below, 0o700), os.WriteFile(victim, nil, 0o600), os.WriteFile(own, nil, 0o600),
		os.Symlink(victim, filepath.Join(trace, "soft")), os.Link(victim, hard),
		os.WriteFile(theirs, nil, 0o600), os.Chown(theirs, 65532, 65532),
		os.Symlink(trace, trace+".partial"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := HandOver(trace); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]uint32{trace: uid, below: uid, own: uid, victim: 0, theirs: 65532} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid != want || want == uid && stat.Gid != gid {
			t.Errorf("%s belongs to %d:%d; want %d", path, stat.Uid, stat.Gid, want)
		}
	}
	if err := HandOver(filepath.Join(dir, "nothing")); err != nil {
		t.Errorf("where there is no trace: %v", err)
	}
}

func TestAProfileFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "link")
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	if err := Profile(link, nil); err == nil {
		t.Error("it wrote a profile to where a symbolic link leads")
	}
	if _, err := os.Lstat(victim); err == nil {
		t.Error("there is a file now where the link leads")
	}
}
