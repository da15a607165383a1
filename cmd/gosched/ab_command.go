package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// abCommand is a command that record-ab runs.
type abCommand struct {
	env  []string // "key=value", beside gosched's own environment
	argv []string
}

// tracePlace stands in a command for the path of the Go trace that it is to write; traceVariable is
// the same in its environment.
const (
	tracePlace    = "{trace}"
	traceVariable = "GOSCHED_TRACE"
)

var errNotOneCommand = errors.New("it is not one plain command, and there is no shell")

// parseCommand splits a command as a shell does, but runs none: quotes, $VARIABLE and assignments
// before the command are understood; pipes, redirections, $(…) and file patterns are not.
func parseCommand(text string, getenv func(string) string) (*abCommand, error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", text, err)
	}
	call, err := onlyCall(file)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", text, err)
	}
	cfg := &expand.Config{Env: expand.FuncEnviron(getenv)}
	cmd := new(abCommand)
	for _, assign := range call.Assigns {
		value, err := expand.Literal(cfg, assign.Value)
		if err != nil {
			return nil, fmt.Errorf("split %q: %w", text, err)
		}
		cmd.env = append(cmd.env, assign.Name.Value+"="+value)
	}
	if cmd.argv, err = expand.Fields(cfg, call.Args...); err != nil {
		return nil, fmt.Errorf("split %q: %w", text, err)
	}
	if len(cmd.argv) == 0 || cmd.argv[0] == "" {
		return nil, fmt.Errorf("%q names no command", text)
	}
	return cmd, nil
}

// onlyCall is the one plain command that a shell script consists of.
func onlyCall(file *syntax.File) (*syntax.CallExpr, error) {
	if len(file.Stmts) == 0 {
		return &syntax.CallExpr{}, nil
	}
	stmt := file.Stmts[0]
	call, plain := stmt.Cmd.(*syntax.CallExpr)
	if !plain || len(file.Stmts) > 1 || stmt.Background || stmt.Negated || len(stmt.Redirs) > 0 {
		return nil, errNotOneCommand
	}
	for _, assign := range call.Assigns {
		if assign.Append || assign.Naked || assign.Array != nil || assign.Index != nil {
			return nil, errNotOneCommand
		}
	}
	return call, nil
}

// find looks the command's program up.
func (c *abCommand) find() (path string, err error) {
	path, err = exec.LookPath(c.argv[0])
	if failed, ok := errors.AsType[*exec.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return "", fmt.Errorf("find %s: %w", c.argv[0], err)
	}
	return path, nil
}

// findBoth looks up the programs of both commands.
func findBoth(commands map[side]*abCommand) (paths map[side]string, err error) {
	paths = map[side]string{}
	for _, s := range []side{baseSide, headSide} {
		if paths[s], err = commands[s].find(); err != nil {
			return nil, fmt.Errorf("--%s: %w", s, err)
		}
	}
	return paths, nil
}

// wantsTrace says whether the command has a place for the path of a Go trace.
func (c *abCommand) wantsTrace() bool {
	return strings.Contains(strings.Join(append(c.argv, c.env...), "\x00"), tracePlace)
}

// tracedTo is the command that writes a Go trace to path.
func (c *abCommand) tracedTo(path string) *abCommand {
	fill := func(list []string) (filled []string) {
		for _, s := range list {
			filled = append(filled, strings.ReplaceAll(s, tracePlace, path))
		}
		return filled
	}
	return &abCommand{env: append(fill(c.env), traceVariable+"="+path), argv: fill(c.argv)}
}

// environ is the whole environment of the command. No name is in it twice: which of two counts is
// for each program to say.
func (c *abCommand) environ() []string {
	last := map[string]string{}
	var names []string
	for _, pair := range append(os.Environ(), c.env...) {
		name, _, _ := strings.Cut(pair, "=")
		if _, there := last[name]; !there {
			names = append(names, name)
		}
		last[name] = pair
	}
	env := make([]string, len(names))
	for i, name := range names {
		env[i] = last[name]
	}
	return env
}
