// Command cost measures what recording costs: it runs a program that is busy, for some time recorded
// and for some time not, in turns, and compares what the program gets done.
//
//	cost server ADDR     serves HTTP
//	cost load ADDR       has it serve as much as it can, and says how much that was
//	cost channels        goroutines that send to each other; says likewise
//	cost measure         runs these and records them: see measure.go
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func(args []string) error{
		"server": serve, "load": load, "channels": channels, "measure": measure,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "cost server ADDR | load ADDR | channels | measure")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}
