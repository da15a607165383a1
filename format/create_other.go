//go:build !unix

package format

import "io/fs"

const hasModes = false

func ownedByCaller(fs.FileInfo) bool { return true }
