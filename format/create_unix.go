//go:build unix

package format

import (
	"io/fs"
	"os"
	"syscall"
)

// hasModes says whether the system knows what others may do with a file.
const hasModes = true

func ownedByCaller(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
