package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// WriteMarkdown draws the document as GitHub-flavoured Markdown.
func WriteMarkdown(w io.Writer, d *Document) error {
	m := &markdownWriter{}
	m.document(cleaned(d))
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdownWriter struct{ b strings.Builder }

func (m *markdownWriter) printf(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

func (m *markdownWriter) document(d *Document) {
	if d.Title != "" {
		m.printf("## %s\n", escape(d.Title))
	}
	m.lead(d.Lead)
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
		m.printf("\n%s\n", escapeLine(note))
	}
}

// lead is a paragraph where it is one sentence, a list where it is more.
func (m *markdownWriter) lead(sentences []string) {
	mark := ""
	if len(sentences) > 1 {
		mark = "- "
	}
	for i, sentence := range sentences {
		if i == 0 {
			m.printf("\n")
		}
		m.printf("%s%s\n", mark, escapeLine(sentence))
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
	if len(t.Rows) == 0 && len(t.Below) == 0 {
		return
	}
	if t.Title != "" {
		m.printf("\n### %s\n", escape(t.Title))
	}
	if len(t.Rows) > 0 {
		m.printf("\n")
		m.rows(t)
	}
	if t.More > 0 {
		m.printf("\n… and %s more\n", FormatCount(int64(t.More)))
	}
	for _, sentence := range t.Below {
		m.printf("\n%s\n", escapeLine(sentence))
	}
}

func (m *markdownWriter) rows(t *Table) {
	columns := columnsOf(t)
	heads, rules := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		heads[i], rules[i] = escape(c.heading()), "---"
		if c.right {
			rules[i] = "---:"
		}
	}
	m.row(heads)
	m.row(rules)
	for r := range t.Rows {
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = escaped(c.texts[r], c.cells[r].Tone)
		}
		m.row(line)
	}
}

// escaped is text as markup: what is worse is bold.
func escaped(text string, tone Tone) string {
	out := escape(text)
	if tone == ToneWorse && strings.TrimSpace(text) != "" {
		return "**" + strings.TrimSpace(out) + "**"
	}
	return out
}

func (m *markdownWriter) row(cells []string) { m.printf("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdownWriter) chart(h *Histogram) {
	if len(h.Rows) == 0 {
		return
	}
	t := &textWriter{o: Options{Width: defaultWidth}}
	t.chart(&Histogram{Title: h.Title, Rows: h.Rows})
	text := strings.TrimPrefix(t.b.String(), "\n"+h.Title+"\n")
	m.printf("\n### %s\n\n```\n%s```\n", escape(h.Title), text)
	for _, sentence := range h.Below {
		m.printf("\n%s\n", escapeLine(sentence))
	}
}

var escaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "~", `\~`, "<",
	"&lt;", "&", "&amp;")

// escape keeps text from being taken for markup.
func escape(s string) string { return escaper.Replace(s) }

// blockStart is what makes a line more than a paragraph: a heading, a quotation, a rule or an item
// of a list.
var blockStart = regexp.MustCompile(`^(\d{0,9})([#>]|[.)+-](?:\s|$)|---)`)

// escapeLine is escape for text that begins a line.
func escapeLine(s string) string {
	return blockStart.ReplaceAllString(escape(strings.TrimSpace(s)), `$1\$2`)
}
