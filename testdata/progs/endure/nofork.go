//go:build !(forcecgo && cgo)

package main

func split(int) { fail("it was built without C, which forks") }
