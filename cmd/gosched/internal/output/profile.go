package output

import (
	"errors"
	"fmt"
	"os"

	"github.com/gosched/gosched/analyze/folded"
	"github.com/gosched/gosched/analyze/goroutines/profile"
)

// Profile writes a goroutine profile to path for go tool pprof. It follows no symbolic link.
func Profile(path string, prof *profile.Profile) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return profile.WriteProtobuf(f, prof)
}

// Folded writes folded stacks to path. It follows no symbolic link.
func Folded(path string, lines []folded.Line) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return fmt.Errorf("write folded stacks: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return folded.Write(f, lines)
}
