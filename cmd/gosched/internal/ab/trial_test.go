package ab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeRunner is a runner that runs nothing.
type fakeRunner struct {
	ran  []string
	then func(j *job) (result, error)
}

func (f *fakeRunner) run(_ context.Context, j *job) (result, error) {
	f.ran = append(f.ran, j.command.argv[0]+" "+filepath.Base(j.trace))
	if j.trace != "" {
		if err := os.WriteFile(j.trace, nil, 0o600); err != nil {
			return result{}, err
		}
	}
	fmt.Fprintf(j.log, "line %d\n", len(f.ran))
	if f.then == nil {
		return result{}, nil
	}
	return f.then(j)
}

func (f *fakeRunner) close() error { return nil }

// fakeTrial is one with a fake runner.
func fakeTrial(t *testing.T, opts Options) Options {
	opts.Dir = filepath.Join(t.TempDir(), "ab")
	opts.Commands = map[Side]*Command{Base: {argv: []string{"b"}}, Head: {argv: []string{"h"}}}
	return opts
}

func TestATrialFollowsThePlan(t *testing.T) {
	runner := &fakeRunner{then: func(j *job) (result, error) { return result{lost: 5}, nil }}
	notes := new(strings.Builder)
	if err := Record(t.Context(), fakeTrial(t, Options{WarmUps: 1, Runs: 3, Runner: runner,
		Notes: notes})); err != nil {
		t.Fatal(err)
	}
	want := []string{"b .", "h .", "b 01.parquet", "h 02.parquet", "h 03.parquet", "b 04.parquet", "h 05.parquet",
		"b 06.parquet"}
	if !slices.Equal(runner.ran, want) {
		t.Errorf("it ran %q; want %q", runner.ran, want)
	}
	if lines := strings.Split(notes.String(), "\n"); len(lines) != 10 || !strings.HasPrefix(lines[6],
		"run 5 of 6: head, 00:00 left") ||
		!strings.Contains(lines[8], "recorded 3 runs of each") || !strings.Contains(lines[8], "lost 30 events") {
		t.Errorf("it says\n%s", notes)
	}
}

func TestATrialStopsAtWhatGoesWrong(t *testing.T) {
	broken := errors.New("it burns")
	tests := []struct {
		name   string
		ignore bool
		result result
		err    error
		want   string // "": all is fine
	}{
		{"all well", false, result{}, nil, ""},
		{"an exit code", false, result{code: 7}, nil, "the command exited with code 7"},
		{"an exit code that does not matter", true, result{code: 7}, nil, ""},
		{"an exit code of what we ended", false, result{code: 143, ended: true}, nil, ""},
		{"the recorder", true, result{}, broken, "it burns"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runner := new(fakeRunner)
			runner.then = func(*job) (result, error) {
				if len(runner.ran) == 3 {
					return test.result, test.err
				}
				return result{}, nil
			}
			notes := new(strings.Builder)
			opts := fakeTrial(t, Options{Runs: 2, IgnoreExit: test.ignore, Runner: runner, Notes: notes})
			err := Record(t.Context(), opts)
			_, gone := os.Stat(filepath.Join(opts.Dir, "head", "03.parquet"))
			if test.want == "" {
				if err != nil || gone != nil {
					t.Errorf("the error is %v, of the recording %v", err, gone)
				}
				return
			}
			log := filepath.Join(opts.Dir, "03-head.log")
			want := "run 3 of 4: head: " + test.want + "; the last that it printed, in " + log + ":\n  line 3"
			if err == nil || err.Error() != want {
				t.Errorf("the error is %v; want %s", err, want)
			}
			if gone == nil {
				t.Error("its recording is there")
			}
			if !strings.Contains(notes.String(), "2 finished recordings in ") {
				t.Errorf("it says\n%s", notes)
			}
		})
	}
}

func TestAnInterruptedTrialStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runner := new(fakeRunner)
	runner.then = func(*job) (result, error) {
		if len(runner.ran) == 2 {
			cancel()
		}
		return result{}, ctx.Err()
	}
	err := Record(ctx, fakeTrial(t, Options{Runs: 2, Runner: runner, Notes: io.Discard}))
	if !errors.Is(err, context.Canceled) || len(runner.ran) != 2 {
		t.Errorf("after %d runs the error is %v", len(runner.ran), err)
	}
}

func TestOnlyTheEndOfALogIsShown(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if lines := lastLines(log); len(lines) > 0 {
		t.Errorf("of nothing it shows %q", lines)
	}
	for n := range 5000 {
		fmt.Fprintf(log, "line %d\n", n)
	}
	if lines := lastLines(log); len(lines) != 10 || lines[9] != "line 4999" || lines[0] != "line 4990" {
		t.Errorf("it shows %q", lines)
	}
}
