//go:build !linux

package main

// runIfBounded is for Linux, where a test starts gosched with few capabilities.
func runIfBounded() error { return nil }
