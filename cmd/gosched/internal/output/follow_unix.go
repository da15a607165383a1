//go:build unix

package output

import "syscall"

// noFollow has opening a file fail where its name is that of a symbolic link.
const noFollow = syscall.O_NOFOLLOW
