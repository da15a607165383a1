//go:build !slow && !slower

package example

import "time"

// hold is how long an append has the lock.
const hold = time.Millisecond
