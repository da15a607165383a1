//go:build slower

package example

import "time"

const hold = 4 * time.Millisecond
