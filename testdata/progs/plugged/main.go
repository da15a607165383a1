// Plugged does its work in a plugin: plugged PLUGIN [-trace FILE] opens the plugin at the first
// line of its standard input and has it work, with Go's tracer on, at the second. It answers each
// line when that is done.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"plugin"

	"gosched.test/progs/internal/bracket"
)

func main() {
	path := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...) // the flags are for bracket
	lines := bufio.NewScanner(os.Stdin)
	work, err := open(lines, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	lines.Scan()
	bracket.Main(work)
	fmt.Println("done")
	lines.Scan()
}

// open waits for a line and opens the plugin.
func open(lines *bufio.Scanner, path string) (work func() error, err error) {
	lines.Scan()
	p, err := plugin.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := p.Lookup("Work")
	if err != nil {
		return nil, err
	}
	work, ok := s.(func() error)
	if !ok {
		return nil, errors.New("the plugin's Work is another function")
	}
	return work, nil
}
