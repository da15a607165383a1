package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/cmd/gosched/internal/policy"
)

func TestEveryKeyOfAPolicyIsAFlagOfRecord(t *testing.T) {
	flags := newRecordCommand().Flags()
	seen := map[string]bool{}
	for _, s := range policy.Keys() {
		if flags.Lookup(s.Flag) == nil || seen[s.Flag] {
			t.Errorf("%s stands for --%s, which is no flag or has a key already", s.Key, s.Flag)
		}
		seen[s.Flag] = true
	}
	for line := range strings.Lines(policyText()) {
		if len([]rune(line)) > helpWidth+6 {
			t.Errorf("the line is wider than a help text: %q", line)
		}
	}
}

// TestTheCommandLineOverridesAPolicy has both say something.
func TestTheCommandLineOverridesAPolicy(t *testing.T) {
	for _, test := range []struct {
		name, text string
		args       []string
		without    []string
		depth      int
		note, err  string
	}{
		{"the policy alone", "watch: {without: [gc, cgo], stack-depth: 16}", nil, []string{"gc", "cgo"}, 16, "", ""},
		{"one of two", "watch: {without: [gc], stack-depth: 16}", []string{"--without", "cgo"}, []string{"cgo"}, 16,
			"overrides 1 of the 2 settings of FILE: watch.without", ""},
		{"all", "watch: {stack-depth: no}", []string{"--stack-depth", "8"}, nil, 8,
			"overrides 1 of the 1 settings of FILE: watch.stack-depth", ""},
		{"a value that the flag refuses", "watch: {without: [gcs]}", nil, nil, 0, "",
			`FILE: watch.without: no transition is called "gcs"`},
		{"a contradiction in it", "watch: {sample: 20/s, without: [gc]}", nil, nil, 0, "",
			"FILE: watch.sample, watch.without: --sample attaches nothing"},
		{"a contradiction with the command line", "watch: {without: [gc]}", []string{"--sample", "20/s"}, nil, 0, "",
			"FILE: watch.without: --sample attaches nothing"},
		{"a contradiction that it has no part in", "watch: {without: []}",
			[]string{"--sample", "20/s", "--without", "gc"}, nil, 0, "", "--sample attaches nothing"},
		{"nothing that is known", "watches: {}", nil, nil, 0, "", "FILE: read policy: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "policy.yaml")
			if err := os.WriteFile(path, []byte("version: 1\n"+test.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var opts recordOptions
			flags := recordCommand(&opts).Flags()
			if err := flags.Parse(append(test.args, "--policy", path)); err != nil {
				t.Fatal(err)
			}
			err := opts.policy.apply(flags)
			if err == nil {
				err = opts.policy.blame(errors.Join(opts.contradictions(flags)))
			}
			text := func(s string) string { return strings.ReplaceAll(s, "FILE", path) }
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), text(test.err)) ||
					strings.Contains(err.Error(), "\n") {
					t.Errorf("the error is %v; want %q", err, text(test.err))
				}
				return
			}
			var without []string
			for _, c := range opts.without.list {
				without = append(without, c.String())
			}
			if err != nil || !slices.Equal(without, test.without) || opts.stackDepth != test.depth {
				t.Errorf("it leaves out %q and has stacks of %d, %v", without, opts.stackDepth, err)
			}
			if note := opts.policy.note(); test.note == "" && note != "" || !strings.HasSuffix(note, text(test.note)) {
				t.Errorf("it says %q; want %q", note, text(test.note))
			}
		})
	}
}
