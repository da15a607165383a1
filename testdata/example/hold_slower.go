//go:build slower

package example

import "time"

const hold = 6 * time.Millisecond
