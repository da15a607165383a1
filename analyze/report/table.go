package report

import (
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
)

// table draws a table so that its lines fit the terminal. No name loses its function for that: the
// folders of packages go first, text is broken into lines within its column, and then columns that
// can be done without are left out, which is said.
func (t *textWriter) table(table *Table) {
	if len(table.Rows) == 0 && len(table.Below) == 0 {
		return
	}
	t.printf("\n")
	if table.Title != "" {
		t.printf("%s\n", table.Title)
	}
	shown, hidden := *table, 0
	brief := table.Brief
	if t.o.Rows > 0 {
		brief = t.o.Rows
	}
	for brief > 0 && brief < len(table.Rows) && goesOn(table.Rows[brief]) {
		brief++
	}
	if brief > 0 && !t.o.All && len(table.Rows) > brief {
		shown.Rows, hidden = table.Rows[:brief], len(table.Rows)-brief
	}
	var left []string
	if len(shown.Rows) > 0 {
		left = t.rows(&shown)
	}
	if text := more(hidden, table.More, left); text != "" {
		t.printf("%s\n", wrap(t.plain(text), t.o.Width, "  "))
	}
	for _, sentence := range table.Below {
		t.printf("%s\n", wrap(t.plain(sentence), t.o.Width, "  "))
	}
}

// goesOn says whether a row goes on with what the row above it is about: its first cell is empty.
func goesOn(row []Cell) bool { return len(row) > 0 && row[0] == Cell{} }

// more says what of a table is not there: rows that are hidden until all are asked for, those that
// are not in the result, columns for which there is no room.
func more(hidden, gone int, columns []string) string {
	var parts []string
	if hidden > 0 {
		parts = append(parts, FormatNumber(int64(hidden), "more row")+": --all")
	}
	if gone > 0 {
		parts = append(parts, "… and "+FormatCount(int64(gone))+" more")
	}
	if len(columns) > 0 {
		parts = append(parts, "no room for "+strings.Join(columns, ", ")+": --wide")
	}
	return strings.Join(parts, "; ")
}

// extrasNamed is how many of the tables that are not drawn are named: what is drawn needs the room.
const extrasNamed = 3

// extras says what is drawn only where all is asked for; empty where there is nothing of it.
func (d *Document) extras() string {
	var names []string
	for i := range d.Tables {
		if t := &d.Tables[i]; t.Extra && len(t.Rows) > 0 {
			names = append(names, t.Title)
		}
	}
	for _, c := range d.Charts {
		if c.Extra && len(c.Rows) > 0 {
			names = append(names, c.Title+" (histogram)")
		}
	}
	if len(names) == 0 {
		return ""
	}
	if more := len(names) - extrasNamed; more > 1 {
		names = append(names[:extrasNamed], FormatNumber(int64(more), "more table"))
	}
	return "With --all: " + strings.Join(names, "; ") + "."
}

// rows draws the heading and the rows of a table. It returns the columns that it had no room for.
func (t *textWriter) rows(table *Table) (left []string) {
	columns := columnsOf(table)
	for _, c := range columns {
		c.head, c.unit = t.plain(c.head), t.plain(c.unit)
		for i := range c.texts {
			c.texts[i] = t.plain(c.texts[i]) // before it is measured: what stands for a character may be longer
		}
		c.width = c.natural()
	}
	if !t.o.Wide {
		columns, left = t.fit(columns)
	}
	heads, units := make([][]string, len(columns)), make([][]string, len(columns))
	for i, c := range columns {
		heads[i], units[i] = []string{c.head}, []string{c.unit}
	}
	t.row(columns, heads, -1)
	t.row(columns, units, -1)
	for r := range table.Rows {
		cells := make([][]string, len(columns))
		for i, c := range columns {
			cells[i] = t.cell(c, r)
		}
		t.row(columns, cells, r)
	}
	return left
}

// natural is how wide a column is where there is room.
func (c *column) natural() int {
	w := max(width(c.head), width(c.unit))
	for _, text := range c.texts {
		w = max(w, width(text))
	}
	return w
}

const (
	minFunction = 16 // columns of functions are not made narrower
	minText     = 12 // nor columns of text, but for longer headings
	readable    = 22 // text gets so much before names lose more than the folders of their packages
	roomy       = 30 // it gets so much before columns are left out
)

// fit makes columns narrower, and leaves those out that can be done without, until lines fit. It
// returns the columns that stay and the headings of the others.
func (t *textWriter) fit(columns []*column) (stay []*column, left []string) {
	excess := func() int {
		sum := -2 - t.o.Width
		for _, c := range columns {
			sum += c.width + 2
		}
		return sum
	}
	shrink(columns, excess(), func(c *column) int { return c.local(t) })
	shrink(columns, excess(), func(c *column) int { return c.leastText(roomy) })
	for rank := 0; excess() > 0 && rank < len(columns); rank++ {
		columns = slices.DeleteFunc(columns, func(c *column) bool {
			if c.spare == rank {
				left = append(left, c.head)
			}
			return c.spare == rank
		})
	}
	if len(left) > 0 { // there may be more room now than is needed
		for _, c := range columns {
			c.width = c.natural()
		}
		shrink(columns, excess(), func(c *column) int { return c.local(t) })
	}
	shrink(columns, excess(), func(c *column) int { return c.leastText(readable) })
	shrink(columns, excess(), func(c *column) int { return c.leastFunction(minFunction) })
	shrink(columns, excess(), func(c *column) int { return c.leastText(minText) })
	return columns, left
}

// shrink takes so many characters from columns, each time from the widest that is wider than its
// least.
func shrink(columns []*column, excess int, least func(*column) int) {
	for ; excess > 0; excess-- {
		var widest *column
		for _, c := range columns {
			if c.width > least(c) && (widest == nil || c.width > widest.width) {
				widest = c
			}
		}
		if widest == nil {
			return
		}
		widest.width--
	}
}

// local is how wide a column of functions is without the folders of their packages; of others, as
// it is.
func (c *column) local(t *textWriter) int {
	if !c.function {
		return c.width
	}
	w := width(c.head)
	for _, cell := range c.cells {
		w = max(w, width(t.plain(stack.Local(cell.Text))))
	}
	return min(c.width, w)
}

// leastText is how narrow a column of text may be: its heading and so much, its words being broken
// only if they are longer.
func (c *column) leastText(n int) int {
	if c.right || c.function {
		return c.width
	}
	return min(c.width, max(n, width(c.head)))
}

// leastFunction is how narrow a column of functions may be; of others, as it is.
func (c *column) leastFunction(n int) int {
	if !c.function {
		return c.width
	}
	return min(c.width, max(n, width(c.head)))
}

// cell is a cell's lines.
func (t *textWriter) cell(c *column, row int) []string {
	text := c.texts[row]
	switch {
	case width(text) <= c.width:
		return []string{text}
	case c.cells[row].Unit == UnitFunction:
		room := c.width
		if t.o.ASCII {
			room -= width(t.plain(stack.Elided)) - width(stack.Elided)
		}
		return []string{t.plain(stack.Shorten(text, room))}
	case c.right:
		return []string{text}
	}
	return strings.Split(wrap(broken(text, c.width), c.width, ""), "\n")
}

// broken is text whose words are at most so long.
func broken(text string, room int) string {
	words := strings.Fields(text)
	for i, word := range words {
		runes, parts := []rune(word), []string(nil)
		for ; len(runes) > room; runes = runes[room:] {
			parts = append(parts, string(runes[:room]))
		}
		words[i] = strings.Join(append(parts, string(runes)), " ")
	}
	return strings.Join(words, " ")
}

// row draws the lines of a row's cells side by side; nothing where all are empty. Row -1 is a
// heading.
func (t *textWriter) row(columns []*column, cells [][]string, row int) {
	height := 0
	for i := range cells {
		if strings.Join(cells[i], "") != "" || row >= 0 {
			height = max(height, len(cells[i]))
		}
	}
	for n := range height {
		var b strings.Builder
		for i, c := range columns {
			text := ""
			if n < len(cells[i]) {
				text = cells[i][n]
			}
			if i > 0 {
				b.WriteString("  ")
			}
			space, tone := strings.Repeat(" ", max(0, c.width-width(text))), ToneNone
			if row >= 0 {
				tone = c.cells[row].Tone
			}
			if text = t.tinted(tone, text); c.right {
				b.WriteString(space + text)
				continue
			}
			b.WriteString(text + space)
		}
		t.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}
