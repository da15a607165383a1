//go:build !go1.25

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "synctest needs Go 1.25")
	os.Exit(1)
}
