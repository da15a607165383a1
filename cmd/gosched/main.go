// Command gosched records when the goroutines of a running Go process run, wait and
// why, with eBPF and without changing or rebuilding it, and answers questions to the
// recorded trace.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
