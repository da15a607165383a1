//go:build go1.23

package main

import "iter"

// more uses a coroutine, so that the linker keeps the runtime's.
func more() {
	next, stop := iter.Pull(func(yield func(int) bool) {
		middle("coroutine")
		yield(1)
	})
	next()
	stop()
}
