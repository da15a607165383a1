package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Options say how a document is drawn as text. The zero value works: 80 columns, Unicode, no
// colour.
type Options struct {
	Width int  // columns of the terminal; 0: 80
	Wide  bool // tables are as wide as they need, every name in full; only sentences keep to Width
	Rows  int  // the first of each table; 0: as many as the table says fit a screen
	All   bool // every table with every row, not a screen of them
	ASCII bool // no character beyond ASCII
	Color bool // warnings and tones in colour
}

const (
	defaultWidth = 80
	// screenLines is how many lines a document may take where not all of it is asked for.
	screenLines = 40
	// fewestRows is how many rows a table keeps at least when a document is made to fit.
	fewestRows = 2
)

// WriteText draws the document as aligned text. Where neither all of it nor a number of rows is
// asked for it is made to fit a screen: the longest of the tables that may be drawn in part lose
// rows, which is said under them.
func WriteText(w io.Writer, d *Document, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	shown := cleaned(d)
	text := asText(shown, o)
	for !o.All && o.Rows == 0 && strings.Count(text, "\n") > screenLines && shown.shorten() {
		text = asText(shown, o)
	}
	_, err := io.WriteString(w, text)
	return err
}

func asText(d *Document, o Options) string {
	t := &textWriter{o: o}
	t.document(d)
	return t.plain(t.b.String())
}

// shorten takes the last row from what is drawn of the longest of the tables that may be drawn in
// part, with the rows that go on with what it is about. It is false where no table has one to
// spare.
func (d *Document) shorten() bool {
	var longest *Table
	rows := 0
	for i := range d.Tables {
		t := &d.Tables[i]
		if n := min(t.Brief, len(t.Rows)); !t.Extra && n > max(rows, fewestRows, t.Fewest) {
			longest, rows = t, n
		}
	}
	if longest == nil {
		return false
	}
	rows--
	for rows > 1 && goesOn(longest.Rows[rows]) {
		rows--
	}
	longest.Brief = rows
	return true
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
		if !table.Extra || t.o.All {
			t.table(&table)
		}
	}
	for _, chart := range d.Charts {
		if !chart.Extra || t.o.All {
			t.chart(&chart)
		}
	}
	if more := d.extras(); more != "" && !t.o.All {
		t.printf("\n%s\n", wrap(more, t.o.Width, "  "))
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

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// units are words that stay on the line of the number before them.
var units = regexp.MustCompile(`^(ns|µs|ms|s|h|B|[KMGT]iB)[.,;:)]*$`)

// words are the words of a text, a number and its unit being one.
func words(s string) []string {
	var out []string
	for _, word := range strings.Fields(s) {
		if n := len(out); n > 0 && units.MatchString(word) && out[n-1][len(out[n-1])-1]-'0' < 10 {
			out[n-1] += " " + word
			continue
		}
		out = append(out, word)
	}
	return out
}

// wrap breaks text at spaces so that lines fit, the later ones indented.
func wrap(s string, columns int, indent string) string {
	var b strings.Builder
	at := 0
	lead := s[:len(s)-len(strings.TrimLeft(s, " "))]
	b.WriteString(lead)
	at = width(lead)
	for i, word := range words(s) {
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
