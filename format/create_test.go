//go:build unix

package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted is what another user may have put where a recording is about to write.
func planted(t *testing.T, dir string) (victim string) {
	t.Helper()
	victim = filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	return victim
}

func unchanged(t *testing.T, victim string) {
	t.Helper()
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("what the link leads to is now %q, %v", text, err)
	}
}

func TestNoLinkIsFollowedToASegment(t *testing.T) {
	dir := t.TempDir()
	victim := planted(t, dir)
	folder := filepath.Join(dir, "segments")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, segmentPrefix+"000001"+segmentSuffix+tempSuffix)
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	r, err := Create(folder+"/", Metadata{}, RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(Metadata{}); err != nil {
		t.Fatal(err)
	}
	unchanged(t, victim)
	info, err := os.Lstat(filepath.Join(folder, segmentPrefix+"000001"+segmentSuffix))
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("the segment is %v, %v; want a file for its owner", info.Mode(), err)
	}
}

func TestATraceReplacesALinkAndDoesNotFollowIt(t *testing.T) {
	dir := t.TempDir()
	victim := planted(t, dir)
	path := filepath.Join(dir, "trace.parquet")
	r, err := Create(path, Metadata{}, RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Join(r.Dir(), "joined"+tempSuffix)} { // while it goes on
		if err := os.Symlink(victim, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(Metadata{}); err != nil {
		t.Fatal(err)
	}
	unchanged(t, victim)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("the trace is %v, %v; want a file for its owner", info.Mode(), err)
	}
}

func TestAFolderThatOthersCanChangeIsRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(dir string) (path string, err error)
		want    string
	}{
		{"a link in place of the folder for segments", func(dir string) (string, error) {
			path := filepath.Join(dir, "t.parquet")
			return path, os.Symlink(dir, path+partialSuffix)
		}, "not a folder of yours alone"},
		{"a folder for segments that others can write to", func(dir string) (string, error) {
			path := filepath.Join(dir, "t.parquet")
			if err := os.Mkdir(path+partialSuffix, 0o700); err != nil {
				return "", err
			}
			return path, os.Chmod(path+partialSuffix, 0o777)
		}, "not a folder of yours alone"},
		{"a link to a folder, where others could have put it", func(dir string) (string, error) {
			if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
				return "", err
			}
			link := filepath.Join(dir, "link")
			return link + "/", os.Symlink("real", link)
		}, "is a symbolic link in a folder that others can write to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o1777); err != nil {
				t.Fatal(err)
			}
			path, err := test.prepare(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Create(path, Metadata{}, RecordingOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("it says %v; want %q", err, test.want)
			}
		})
	}
}

func TestALinkToAFolderOfOnesOwnIsFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	r, err := Create(filepath.Join(dir, "link"), Metadata{}, RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.Abort()
}
