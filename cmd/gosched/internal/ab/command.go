package ab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Command is one of the two commands.
type Command struct {
	env  []string // "key=value", beside gosched's own environment
	argv []string
}

// TracePlace stands in a command for the path of the Go trace that it is to write; TraceVariable
// has that path in the command's environment.
const (
	TracePlace    = "{trace}"
	TraceVariable = "GOSCHED_TRACE"
)

var errNotOneCommand = errors.New("it is not one plain command, and there is no shell")

// ParseCommand splits a command as a shell does, but runs none: quotes, $VARIABLE and assignments
// before the command are understood; pipes, redirections, $(…) and file patterns are not.
func ParseCommand(text string, getenv func(string) string) (*Command, error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", text, err)
	}
	call, err := onlyCall(file)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", text, err)
	}
	cfg := &expand.Config{Env: expand.FuncEnviron(getenv)}
	cmd := new(Command)
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

// Find looks the command's program up.
func (c *Command) Find() (path string, err error) {
	path, err = exec.LookPath(c.argv[0])
	if failed, ok := errors.AsType[*exec.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return "", fmt.Errorf("find %s: %w", c.argv[0], err)
	}
	return path, nil
}

// WantsTrace says whether the command has a place for the path of a Go trace.
func (c *Command) WantsTrace() bool {
	return strings.Contains(strings.Join(append(c.argv, c.env...), "\x00"), TracePlace)
}

// tracedTo is the command that writes a Go trace to path.
func (c *Command) tracedTo(path string) *Command {
	fill := func(list []string) (filled []string) {
		for _, s := range list {
			filled = append(filled, strings.ReplaceAll(s, TracePlace, path))
		}
		return filled
	}
	return &Command{env: append(fill(c.env), TraceVariable+"="+path), argv: fill(c.argv)}
}

// environ is the whole environment of the command. No name is in it twice: which of two counts is
// for each program to say.
func (c *Command) environ() []string {
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
