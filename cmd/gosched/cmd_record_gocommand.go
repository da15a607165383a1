package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// goCommands are what is said where somebody records the go command and may mean what it runs.
var goCommands = map[string]string{
	"test":  "for the tests themselves: gosched record --follow --exe '*.test' -- go test …",
	"run":   "for the program itself: go run -exec 'gosched record --' …",
	"build": "build the program, and record that",
}

// goTool matches the go command, also by a version's name: go1.27, go1.26.8.
var goTool = regexp.MustCompile(`^go(\d[\w.]*)?$`)

// goCommandNote says that what is recorded is the go command; empty where it is none that builds
// something.
func goCommandNote(argv []string) string {
	if len(argv) == 0 || !goTool.MatchString(filepath.Base(argv[0])) {
		return ""
	}
	args := argv[1:]
	for len(args) > 1 && strings.HasPrefix(args[0], "-C") { // its folder comes first
		if args[0] == "-C" {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 || goCommands[args[0]] == "" {
		return ""
	}
	return fmt.Sprintf("note: this records the go command; %s", goCommands[args[0]])
}
