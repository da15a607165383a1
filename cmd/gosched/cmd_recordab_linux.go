package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosched/gosched/cmd/gosched/internal/ab"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// probes checks the user, the kernel, the options and both commands' programs.
func (o *recordABOptions) probes(commands map[ab.Side]*ab.Command) (ab.Runner, error) {
	as, err := credential(o.user)
	if refused := target.CheckPrivileges(err); refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	recording := o.record("", o.duration)
	if err := recording.Check(); err != nil {
		return nil, err
	}
	paths, err := findPrograms(commands)
	if err != nil {
		return nil, err
	}
	return ab.Probes(recording, as), checkPrograms(paths)
}

// checkPrograms says in an error what keeps the two programs from being recorded here, as gosched
// check does.
func checkPrograms(paths map[ab.Side]string) error {
	machine, err := record.Check(record.CheckOptions{})
	if err == nil {
		err = problemsError(problemsOf(machine))
	}
	if err != nil {
		return err
	}
	for _, s := range []ab.Side{ab.Base, ab.Head} {
		if s == ab.Head && paths[s] == paths[ab.Base] {
			continue
		}
		binary, err := record.CheckBinary(paths[s])
		if err == nil {
			err = problemsError(problemsOf(binary))
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", s, err)
		}
	}
	return nil
}

// problemsError is an error that says what stands in the way, and what to do about it.
func problemsError(problems []problem) error {
	if len(problems) == 0 {
		return nil
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.What)
		if p.Do != "" {
			lines = append(lines, "To do: "+p.Do)
		}
	}
	return &exitError{code: exitUnsupported, err: errors.New(strings.Join(lines, "\n"))}
}
