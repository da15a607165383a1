//go:build slow

package example

import "time"

const hold = 2 * time.Millisecond
