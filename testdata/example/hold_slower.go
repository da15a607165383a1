//go:build slower

package example

import "time"

const hold = 5 * time.Millisecond
