package keep

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// retainEvery is how often is looked for saved traces that have become too old.
const retainEvery = time.Minute

func (k *Keeper) retainDue(now time.Time) {
	if k.config.Retain.Age > 0 && now.Sub(k.looked) >= retainEvery {
		k.looked = now
		k.retain()
	}
}

// retain removes saved traces of which there are too many. One that is being saved has another name.
func (k *Keeper) retain() {
	k.retained.Lock()
	defer k.retained.Unlock()
	for _, old := range k.config.Retain.Drop(k.folder.saved(), k.config.now()) {
		if err := k.folder.remove(old.Name); err != nil {
			k.config.Note(fmt.Sprintf("a saved trace is not removed: %v", err))
			continue
		}
		k.count(func(c *flight.Counts) { c.Removed++ })
		k.config.Note("removed " + filepath.Join(k.folder.path, old.Name) + ", as newer ones were saved")
	}
}

// saved are the saved traces.
func (f *folder) saved() (all []flight.Kept) {
	entries, err := f.names(".")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		match := savedPattern.FindStringSubmatch(e.Name())
		if match == nil || !e.IsDir() {
			continue
		}
		at, err := time.Parse(savedTime, match[1])
		if err != nil {
			continue
		}
		all = append(all, flight.Kept{Name: e.Name(), At: at, Bytes: f.size(e.Name())})
	}
	return all
}

// size is how large the files in a folder are.
func (f *folder) size(dir string) (bytes int64) {
	entries, _ := f.names(dir) // of a folder that is gone: none
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
	}
	return bytes
}

// takeOver makes saved traces of what a recorder before has left, and clears what it had in the
// making.
func (k *Keeper) takeOver() error {
	f := k.folder
	entries, err := f.names(".")
	if err != nil {
		return err
	}
	var segments []fs.DirEntry
	for _, e := range entries {
		name := e.Name()
		ours := isOurs(name) && e.Type().IsRegular()
		making := e.IsDir() && savedPattern.MatchString(strings.TrimPrefix(name, "."))
		switch {
		case ours && strings.HasSuffix(name, segmentEnd):
			segments = append(segments, e)
		case strings.HasSuffix(name, segmentEnd):
			return fmt.Errorf("%s holds other Parquet files, such as %s: name another folder", f.path, name)
		case ours:
			err = f.root.Remove(name)
		case making && name[0] == '.':
			err = k.takeOverSave(name)
		}
		if err != nil {
			return fmt.Errorf("clear %s: %w", f.path, err)
		}
	}
	if len(segments) == 0 {
		return nil
	}
	return k.takeOverKept(segments)
}

// takeOverSave has a trace appear that a recorder was saving when it was killed.
func (k *Keeper) takeOverSave(making string) error {
	entries, err := k.folder.names(making)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return k.folder.root.Remove(making)
	}
	for _, e := range entries { // the tail may be half written
		if strings.HasSuffix(e.Name(), segmentEnd) && !format.IsKept(filepath.Join(k.folder.path, making, e.Name())) {
			if err := k.folder.root.Remove(filepath.Join(making, e.Name())); err != nil {
				return err
			}
		}
	}
	name := making[1:]
	k.config.Note("the recorder before was saving " + filepath.Join(k.folder.path, name) + " when it ended")
	return k.folder.root.Rename(making, name)
}

// takeOverKept makes a saved trace of what was kept.
func (k *Keeper) takeOverKept(segments []fs.DirEntry) error {
	f := k.folder
	slices.SortFunc(segments, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if !format.IsKept(filepath.Join(f.path, segments[0].Name())) {
		return fmt.Errorf("%s holds segments of a recording that is whole: move them, or name another folder", f.path)
	}
	last, err := segments[len(segments)-1].Info()
	if err != nil {
		return err
	}
	s := &save{name: savedName(flight.Asked(flight.TriggerRestart, "", last.ModTime()))}
	if err := f.mkdir(s.making()); err != nil {
		return err
	}
	for _, e := range segments {
		if err := f.root.Rename(e.Name(), filepath.Join(s.making(), e.Name())); err != nil {
			return err
		}
	}
	if err := f.root.Rename(s.making(), s.name); err != nil {
		return err
	}
	k.config.Note("what the recorder before kept is saved as " + filepath.Join(f.path, s.name))
	return nil
}
