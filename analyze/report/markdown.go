package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown draws the document as GitHub-flavoured Markdown.
func WriteMarkdown(w io.Writer, d *Document) error {
	m := &markdownWriter{}
	m.document(d)
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdownWriter struct{ b strings.Builder }

func (m *markdownWriter) printf(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

func (m *markdownWriter) document(d *Document) {
	if d.Title != "" {
		m.printf("## %s\n", escape(d.Title))
	}
	for _, warning := range d.Warnings {
		m.printf("\n> **Warning:** %s\n", escape(warning.Text))
	}
	if len(d.Facts) > 0 {
		m.table(&Table{Columns: []string{"", ""}, Rows: factRows(d.Facts)})
	}
	for _, table := range d.Tables {
		m.table(&table)
	}
	for _, chart := range d.Charts {
		m.chart(&chart)
	}
	for _, note := range d.Notes {
		m.printf("\n%s\n", escape(note))
	}
}

func factRows(facts []Fact) [][]Cell {
	var rows [][]Cell
	for _, f := range facts {
		rows = append(rows, []Cell{Text(f.Name), f.Value})
	}
	return rows
}

func (m *markdownWriter) table(t *Table) {
	if len(t.Rows) == 0 {
		return
	}
	if t.Title != "" {
		m.printf("\n### %s\n", escape(t.Title))
	}
	m.printf("\n")
	m.row(t.Columns)
	rule := make([]string, len(t.Columns))
	for i := range rule {
		rule[i] = "---"
		if rightAligned(t, i) {
			rule[i] = "---:"
		}
	}
	m.row(rule)
	for _, line := range cells(t)[1:] {
		for i := range line {
			line[i] = escape(line[i])
		}
		m.row(line)
	}
	if t.More > 0 {
		m.printf("\n… and %s more\n", FormatCount(int64(t.More)))
	}
}

func (m *markdownWriter) row(cells []string) { m.printf("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdownWriter) chart(h *Histogram) {
	if len(h.Rows) == 0 {
		return
	}
	t := &textWriter{o: Options{Width: defaultWidth}}
	t.chart(h)
	text := strings.TrimPrefix(t.b.String(), "\n"+h.Title+"\n")
	m.printf("\n### %s\n\n```\n%s```\n", escape(h.Title), text)
}

// escape keeps text from being taken for markup.
var escaper = strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "\n", " ")

func escape(s string) string { return escaper.Replace(s) }
