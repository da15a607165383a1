package ab

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCommand(t *testing.T) {
	getenv := func(name string) string { return map[string]string{"DIR": "/srv", "TWO": "a b"}[name] }
	tests := []struct {
		text      string
		env, argv []string
	}{
		{"./server -n 5", nil, []string{"./server", "-n", "5"}},
		{`./server 'a b' "c $DIR" d\ e`, nil, []string{"./server", "a b", "c /srv", "d e"}},
		{`$DIR/server $TWO "$TWO" $NONE`, nil, []string{"/srv/server", "a", "b", "a b"}},
		{`GOGC=off LIST=$TWO EMPTY= ./server GOGC=on`, []string{"GOGC=off", "LIST=a b", "EMPTY="},
			[]string{"./server", "GOGC=on"}},
		{`"A=b" c`, nil, []string{"A=b", "c"}},
		{"./x.test -test.trace={trace} *.go", nil, []string{"./x.test", "-test.trace={trace}", "*.go"}},
		{"  ./x \\\n y # a comment", nil, []string{"./x", "y"}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			cmd, err := ParseCommand(test.text, getenv)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(cmd.env, test.env) || !slices.Equal(cmd.argv, test.argv) {
				t.Errorf("it is %q with %q; want %q with %q", cmd.argv, cmd.env, test.argv, test.env)
			}
		})
	}
}

func TestWhatTakesAShellIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "names no command",
		"A=b":              "names no command",
		"''":               "names no command",
		"a | b":            "not one plain command",
		"a; b":             "not one plain command",
		"a && b":           "not one plain command",
		"a &":              "not one plain command",
		"! a":              "not one plain command",
		"a > b":            "not one plain command",
		"(a)":              "not one plain command",
		"for a; do b;done": "not one plain command",
		"A=(1 2) a":        "cannot be arrays",
		"A+=1 a":           "not one plain command",
		"a $(b)":           "command substitution",
		"a 'b":             "quote",
		"a )":              "split",
	} {
		t.Run(text, func(t *testing.T) {
			cmd, err := ParseCommand(text, func(string) string { return "" })
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("ParseCommand(%q) = %v, %v; want a sentence with %q", text, cmd, err, want)
			}
		})
	}
}

func TestACommandLearnsWhereToWriteItsTrace(t *testing.T) {
	t.Setenv("GOSCHED_TEST_A", "gosched's")
	cmd := &Command{env: []string{"GOSCHED_TEST_A=its", "FILE={trace}"}, argv: []string{"x", "-trace={trace}",
		"{trace}"}}
	if !cmd.WantsTrace() || (&Command{argv: []string{"x"}}).WantsTrace() {
		t.Error("WantsTrace does not see who wants one")
	}
	traced := cmd.tracedTo("/tmp/a b")
	if want := []string{"x", "-trace=/tmp/a b", "/tmp/a b"}; !slices.Equal(traced.argv, want) {
		t.Errorf("the command is %q; want %q", traced.argv, want)
	}
	env := traced.environ()
	for _, want := range []string{"GOSCHED_TEST_A=its", "FILE=/tmp/a b", "GOSCHED_TRACE=/tmp/a b"} {
		if !slices.Contains(env, want) {
			t.Errorf("its environment has no %q", want)
		}
	}
	if slices.Contains(env, "GOSCHED_TEST_A=gosched's") {
		t.Error("its environment has a variable twice")
	}
}
