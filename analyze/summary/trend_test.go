package summary

import (
	"os"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/golden"
)

// TestTrendHasAllColumns writes the table of TREND.md from the figures.
func TestTrendHasAllColumns(t *testing.T) {
	const (
		page  = "TREND.md"
		begin = "<!-- made from the table of figures: go test ./analyze/summary -run Trend -update -->\n"
		end   = "<!-- end -->\n"
	)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	table := "| column | meaning |\n|---|---|\n"
	for _, f := range figures {
		if !strings.HasSuffix(f.meaning, ".") {
			t.Errorf("the meaning of %s is no sentence: %q", f.name, f.meaning)
		}
		table += "| `" + f.name + "` | " + f.meaning + " |\n"
	}
	golden.Check(t, page, []byte(before+begin+table+end+after))
}
