//go:build go1.23

package main

import "iter"

// coroutines uses functions of the runtime that the program which opens the plugin does not have.
func coroutines() error {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 1; i <= 300 && yield(i); i++ {
		}
	})
	defer stop()
	sum := 0
	for v, ok := next(); ok; v, ok = next() {
		sum += v
	}
	return check("coroutine's sum", sum, 300*301/2)
}
