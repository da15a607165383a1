package main

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking/findings"
)

func TestTheTopicOfFindingsHasEveryRule(t *testing.T) {
	text := strings.Join(strings.Fields(findingsText()), " ")
	for _, r := range findings.Rules() {
		want := r.Name + ": " + r.Title + " looks for " + r.Looks + " threshold " + r.Threshold + " explains " +
			r.Explains + " to do " + r.Advice
		if !strings.Contains(text, want) {
			t.Errorf("the topic does not say %q", want)
		}
		for _, part := range []string{r.Name, r.Title, r.Looks, r.Threshold, r.Explains, r.Advice} {
			if part == "" {
				t.Errorf("the rule has nothing to say: %+v", r)
			}
		}
	}
	for line := range strings.Lines(findingsText()) {
		if len([]rune(line)) > helpWidth+6 {
			t.Errorf("the line is wider than a help text: %q", line)
		}
	}
}
