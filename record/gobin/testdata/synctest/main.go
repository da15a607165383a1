// Package main has the function linked in that opens a bubble.
package main

import (
	"fmt"
	"testing"
	"testing/synctest"
)

func main() { fmt.Println(bubble == nil) }

var bubble = func(t *testing.T) { synctest.Test(t, func(*testing.T) {}) }
