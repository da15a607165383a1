//go:build !go1.23

package main

// coroutines does nothing: there is no iter.Pull.
func coroutines() error { return nil }
