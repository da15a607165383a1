package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/cmd/gosched/internal/policy"
)

// TestAPolicyIsExplained checks that every key is told of once, and what is wrong.
func TestAPolicyIsExplained(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	for text, want := range map[string]struct {
		valid bool
		says  string
	}{
		"":                              {true, ""},
		"watch: {sample: 20/s}":         {true, "attach nothing"},
		"watch: {stack-depth: deep}":    {false, `watch.stack-depth takes a whole number: "deep" is none`},
		"watch: {sample-cpu: 1%}":       {false, "--sample-cpu is for --sample"},
		"watch: {sample: 1/s, seed: 0}": {true, "watch.seed"},
	} {
		if err := os.WriteFile(path, []byte("version: 1\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := newPolicyDocument(path)
		if err != nil || d.Valid != want.valid || len(d.Set)+len(d.Unset) != len(policy.Keys()) {
			t.Fatalf("%q: %v, %+v", text, err, d)
		}
		out := new(strings.Builder)
		if err := present(out, false, layoutOptions{}, d, d.document()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want.says) {
			t.Errorf("%q: it does not say %q:\n%s", text, want.says, out)
		}
	}
}

// TestTheExampleOfAPolicyIsOne reads the one of PRODUCTION.md.
func TestTheExampleOfAPolicyIsOne(t *testing.T) {
	page, err := os.ReadFile("../../PRODUCTION.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(page), "```yaml\nversion: 1\n")
	example, _, ended := strings.Cut(example, "```")
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte("version: 1\n"+example), 0o600); err != nil || !found || !ended {
		t.Fatalf("the page has no example: %v", err)
	}
	if d, err := newPolicyDocument(path); err != nil || !d.Valid {
		t.Errorf("%v: %+v", err, d)
	}
}
