// Command gosched records when the goroutines of a running Go process run, wait and
// why, with eBPF and without changing or rebuilding it, and answers questions to the
// recorded trace.
//
// # Size
//
// Each command is a file with its flags, its help and what it calls; there are many commands, and
// the help of each is long. What is more than that is in packages below: internal/...
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
