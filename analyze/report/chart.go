package report

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/stats"
)

// eighths are bars of one to eight eighths of a column.
var eighths = []rune("▏▎▍▌▋▊▉█")

// chart draws a histogram: a line a range, its count, and a bar in proportion to it. A count
// that is not 0 has a bar that can be seen.
func (t *textWriter) chart(h *Histogram) {
	if len(h.Rows) == 0 {
		return
	}
	t.printf("\n%s\n", h.Title)
	labels, counts := make([]string, len(h.Rows)), make([]string, len(h.Rows))
	var labelWidth, countWidth int
	var most int64
	for i, r := range h.Rows {
		labels[i], counts[i] = rangeLabel(r), countLabel(r)
		labelWidth, countWidth = max(labelWidth, width(labels[i])), max(countWidth, width(counts[i]))
		most = max(most, r.Count)
	}
	room := max(8, t.o.Width-labelWidth-countWidth-4)
	for i := 0; i < len(h.Rows); i++ {
		r := h.Rows[i]
		if n := emptyRun(h.Rows[i:]); n > maxEmpty {
			t.printf("%s…\n", strings.Repeat(" ", labelWidth-1))
			i += n - 1
			continue
		}
		line := strings.Repeat(" ", labelWidth-width(labels[i])) + labels[i] + "  " + pad(counts[i], countWidth) +
			"  " + t.bar(r.Count, most, room)
		t.printf("%s\n", strings.TrimRight(line, " "))
	}
	for _, sentence := range h.Below {
		t.printf("%s\n", wrap(t.plain(sentence), t.o.Width, "  "))
	}
}

// maxEmpty is how many empty ranges in a row are drawn; more become one line of dots.
const maxEmpty = 2

// emptyRun is how many rows are empty before one that is not.
func emptyRun(rows []stats.Row) int {
	for i, r := range rows {
		if r.Count|r.Censored != 0 {
			return i
		}
	}
	return len(rows)
}

func rangeLabel(r stats.Row) string {
	return FormatDuration(r.Lo) + " – " + FormatDuration(r.Hi+1)
}

func countLabel(r stats.Row) string {
	if r.Censored == 0 {
		return FormatCount(r.Count)
	}
	return fmt.Sprintf("%s (+%s censored)", FormatCount(r.Count), FormatCount(r.Censored))
}

// bar is a bar of n of most, in room columns.
func (t *textWriter) bar(n, most int64, room int) string {
	if n == 0 || most == 0 {
		return ""
	}
	steps := len(eighths)
	if t.o.ASCII {
		steps = 1
	}
	length := int(float64(n)/float64(most)*float64(room*steps) + 0.5)
	length = min(max(1, length), room*steps)
	full := strings.Repeat(string(eighths[len(eighths)-1]), length/steps)
	if rest := length % steps; rest > 0 {
		full += string(eighths[rest-1])
	}
	return full
}
