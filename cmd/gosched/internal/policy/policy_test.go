package policy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestAPolicysKeysAreFlags(t *testing.T) {
	got, err := Parse(strings.NewReader(`version: 1
processes:
  all-go: true
triggers:
  rules:
    - p99-delay>20ms for 5s
budget:
  max-overhead: 1%
watch:
  stack-depth: 16
  without: [gc, samples]
`))
	want := []Setting{
		{"processes.all-go", "all-go", []string{"true"}},
		{"watch.without", "without", []string{"gc", "samples"}},
		{"watch.stack-depth", "stack-depth", []string{"16"}},
		{"budget.max-overhead", "max-overhead", []string{"1%"}},
		{"triggers.rules", "trigger", []string{"p99-delay>20ms for 5s"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestWhatIsNoPolicyIsRefusedInOneSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "version is 0; this gosched reads version 1",
		"version: 2":                         "version is 2",
		"version: 1\nbudgets: {}":            "there is no key budgets",
		"version: 1\nwatch: {first: 1s}":     "there is no key first",
		"version: 1\nwatch: 60s":             "read policy",
		"version: 1\nversion: 1":             "read policy",
		"version: 1\nwatch: {without: [[]]}": "read policy",
		"{":                                  "read policy",
		strings.Repeat(" ", 1<<20) + "no":    "larger than 1 MiB",
	} {
		_, err := Parse(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("version: 1\nwatch: {without: [gc], stack-depth: 16}\n"))
	f.Add([]byte("version: 1\nwatch: &a {for: *a}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		settings, err := Parse(bytes.NewReader(text))
		if err != nil && settings != nil {
			t.Error("an error has settings")
		}
	})
}
