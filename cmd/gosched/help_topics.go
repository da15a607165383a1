package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/blocking/findings"
)

// newFindingsTopic makes `gosched help findings`.
func newFindingsTopic() *cobra.Command {
	return &cobra.Command{Use: "findings", Short: "What gosched blocking looks for, from where on it is a finding, " +
		"and what to do", Long: findingsText()}
}

// findingsText is the table of rules in words.
func findingsText() string {
	var b strings.Builder
	fmt.Fprintf(&b, `gosched blocking explains blocked time: what goroutines waited for, those that wait
for work left out. A finding is a pattern that is known to cost time. Its severity,
0 to 100, is the share of blocked time that it explains, in percent, so that findings
compete fairly. Two may explain the same time. A note is a pattern that explains no
time: its severity is 0, and it comes last. The floor: a severity below %[1]d is not
reported, nor is time of less than %[2]g%% of the watched time, nor a note whose
size is below %[1]d%%.
`, findings.MinSeverity, 100*findings.MinExplained)
	for _, r := range findings.Rules() {
		fmt.Fprintf(&b, "\n%s: %s\n", r.Name, r.Title)
		for _, line := range []struct{ name, text string }{
			{"looks for", r.Looks}, {"threshold", r.Threshold}, {"explains", r.Explains}, {"to do", r.Advice},
		} {
			fmt.Fprintf(&b, "  %-10s %s\n", line.name, wrapped(line.text, 13))
		}
	}
	return b.String()
}

// helpWidth is how many columns help texts have.
const helpWidth = 86

// wrapped breaks a text of a list behind its name, the later lines indented.
func wrapped(text string, indent int) string {
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		if n := len([]rune(word)); i > 0 && at+1+n > helpWidth {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		} else if i > 0 {
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += len([]rune(word))
	}
	return b.String()
}
