package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Options say how a document is drawn as text. The zero value works: 80 columns, Unicode, no
// colour.
type Options struct {
	Width int  // columns of the terminal; 0: 80
	ASCII bool // no character beyond ASCII
	Color bool // warnings and tones in colour
}

const defaultWidth = 80

// WriteText draws the document as aligned text.
func WriteText(w io.Writer, d *Document, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &textWriter{o: o}
	t.document(cleaned(d))
	_, err := io.WriteString(w, t.plain(t.b.String()))
	return err
}

type textWriter struct {
	b strings.Builder
	o Options
}

func (t *textWriter) printf(format string, args ...any) { fmt.Fprintf(&t.b, format, args...) }

func (t *textWriter) document(d *Document) {
	if d.Title != "" {
		t.printf("%s\n", t.tinted(d.Tone, d.Title))
	}
	for _, sentence := range d.Lead {
		t.printf("%s\n", wrap(t.plain(sentence), t.o.Width, "  "))
	}
	for _, warning := range d.Warnings {
		t.warning(warning.Text)
	}
	t.facts(d.Facts)
	for _, table := range d.Tables {
		t.table(&table)
	}
	for _, chart := range d.Charts {
		t.chart(&chart)
	}
	for i, note := range d.Notes {
		if i == 0 {
			t.printf("\n")
		}
		t.printf("%s\n", wrap(note, t.o.Width, ""))
	}
}

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// tints are the colours of the tones.
var tints = [...]string{ToneWorse: red, ToneBetter: green, ToneUnsure: yellow}

// tinted is text in the colour of a tone, where there are colours.
func (t *textWriter) tinted(tone Tone, text string) string {
	if !t.o.Color || text == "" || int(tone) >= len(tints) || tints[tone] == "" {
		return text
	}
	return tints[tone] + text + reset
}

func (t *textWriter) warning(text string) {
	label := t.tinted(ToneUnsure, "warning:")
	t.printf("%s %s\n", label, strings.TrimLeft(wrap("         "+text, t.o.Width, "         "), " "))
}

func (t *textWriter) facts(facts []Fact) {
	if len(facts) == 0 {
		return
	}
	t.printf("\n")
	name := 0
	for _, f := range facts {
		name = max(name, width(f.Name))
	}
	indent := strings.Repeat(" ", name+2)
	for _, f := range facts {
		value := wrap(indent+f.Value.String(), t.o.Width, indent)
		lines := strings.Split(value[min(len(indent), len(value)):], "\n"+indent)
		for i := range lines {
			lines[i] = t.tinted(f.Value.Tone, lines[i])
		}
		t.printf("%s%s\n", pad(f.Name, name+2), strings.Join(lines, "\n"+indent))
	}
}

func (t *textWriter) table(table *Table) {
	if len(table.Rows) == 0 {
		return
	}
	t.printf("\n")
	if table.Title != "" {
		t.printf("%s\n", table.Title)
	}
	lines := cells(table)
	for _, line := range lines {
		for i := range line {
			line[i] = t.plain(line[i]) // before it is measured: what stands for a character may be longer
		}
	}
	widths := columnWidths(lines)
	t.fit(table, lines, widths)
	for i, line := range lines {
		if i > 0 || table.hasHead() {
			t.printf("%s\n", strings.TrimRight(t.line(table, i-1, line, widths), " "))
		}
	}
	if table.More > 0 {
		t.printf("… and %s more\n", FormatCount(int64(table.More)))
	}
}

// hasHead says whether any column has a name.
func (t *Table) hasHead() bool { return strings.Join(t.Columns, "") != "" }

// tone is that of a cell; the head, row -1, has none.
func (t *Table) tone(row, column int) Tone {
	if row < 0 || column >= len(t.Rows[row]) {
		return ToneNone
	}
	return t.Rows[row][column].Tone
}

// cells is the table's text, the column names first.
func cells(table *Table) [][]string {
	lines := [][]string{slices.Clone(table.Columns)}
	for _, row := range table.Rows {
		line := make([]string, len(table.Columns))
		for i, c := range row {
			if i < len(line) {
				line[i] = c.String()
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func columnWidths(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], width(cell))
		}
	}
	return widths
}

// minName is the fewest characters that a column of names is cut down to.
const minName = 16

// fit shortens names so that the lines fit the terminal, those in the widest columns first.
func (t *textWriter) fit(table *Table, lines [][]string, widths []int) {
	excess := -2 - t.o.Width
	for _, w := range widths {
		excess += w + 2
	}
	for ; excess > 0; excess-- {
		widest := -1
		for i, w := range widths {
			if i < max(1, table.Names) && w > minName && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	for _, line := range lines {
		for i := range min(len(line), max(1, table.Names)) {
			line[i] = t.shorten(line[i], widths[i])
		}
	}
}

// shorten keeps the end of a name, which tells functions of one package apart.
func (t *textWriter) shorten(s string, n int) string {
	mark, runes := t.plain("…"), []rune(s)
	if len(runes) <= n {
		return s
	}
	return mark + string(runes[len(runes)-n+width(mark):])
}

// line is a row as wide as the columns; colours take no room.
func (t *textWriter) line(table *Table, row int, line []string, widths []int) string {
	var b strings.Builder
	for i, cell := range line {
		if i > 0 {
			b.WriteString("  ")
		}
		space, text := strings.Repeat(" ", max(0, widths[i]-width(cell))), t.tinted(table.tone(row, i), cell)
		if rightAligned(table, i) {
			b.WriteString(space + text)
			continue
		}
		b.WriteString(text + space)
	}
	return b.String()
}

func rightAligned(table *Table, column int) bool {
	for _, row := range table.Rows {
		if column < len(row) && row[column].numeric() {
			return true
		}
	}
	return false
}

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// wrap breaks text at spaces so that lines fit, the later ones indented.
func wrap(s string, columns int, indent string) string {
	var b strings.Builder
	at := 0
	lead := s[:len(s)-len(strings.TrimLeft(s, " "))]
	b.WriteString(lead)
	at = width(lead)
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case at+1+width(word) > columns:
			b.WriteString("\n" + indent)
			at = width(indent)
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += width(word)
	}
	return b.String()
}

// asciiOf says what stands for a character where only ASCII may be used.
var asciiOf = strings.NewReplacer("µ", "u", "…", "...", "→", "->", "█", "#", "▏", "|", "▎", "|", "▍", "|", "▌", "=",
	"▋", "=", "▊", "=", "▉", "=", "–", "-", "≥", ">=", "≤", "<=", "×", "x", "−", "-", "±", "+-", "�", "?")

func (t *textWriter) plain(s string) string {
	if !t.o.ASCII {
		return s
	}
	return asciiOf.Replace(s)
}
