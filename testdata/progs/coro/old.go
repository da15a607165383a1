//go:build !go1.23

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "coro needs Go 1.23")
	os.Exit(1)
}
