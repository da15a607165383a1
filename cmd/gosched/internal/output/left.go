package output

import (
	"io/fs"
	"path/filepath"
)

// Left is where the segments of a recording are that did not come to its end.
func Left(path string) string {
	if partial := path + ".partial"; Size(partial) > 0 {
		return partial
	}
	return path
}

// Size is the size of a trace, a file or a folder of segments; 0 if it is not there.
func Size(trace string) (size int64) {
	_ = filepath.WalkDir(trace, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size
}
