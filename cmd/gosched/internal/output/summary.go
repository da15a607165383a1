package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gosched/gosched/analyze/summary"
)

// Summary writes a summary of recordings: the whole file beside path, which is then moved there. It
// gives the size of the file.
func Summary(path string, recordings []*summary.Recording) (size int64, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return 0, fmt.Errorf("write summary: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := errors.Join(summary.Write(file, recordings), file.Sync(), file.Close()); err != nil {
		return 0, err
	}
	info, err := os.Stat(file.Name())
	if err != nil {
		return 0, fmt.Errorf("write summary: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return 0, fmt.Errorf("write summary: %w", err)
	}
	return info.Size(), nil
}
