package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// column is one column of a table, ready to be drawn: each cell as text, and the unit that they
// share.
type column struct {
	head, unit string
	cells      []Cell
	texts      []string
	right      bool // numbers stand at the right
	function   bool // full names of functions
	spare      int  // the place in the table's list of columns to do without; -1: not in it
	width      int
}

// columnsOf are a table's columns with all rows.
func columnsOf(t *Table) []*column {
	out := make([]*column, len(t.Columns))
	for i, head := range t.Columns {
		c := &column{head: head, spare: -1}
		for rank, name := range t.Spare {
			if name == head && name != "" {
				c.spare = rank
			}
		}
		for _, row := range t.Rows {
			cell := Cell{}
			if i < len(row) {
				cell = row[i]
			}
			c.cells = append(c.cells, cell)
			c.right = c.right || cell.numeric()
			c.function = c.function || cell.Unit == UnitFunction
		}
		out[i] = c
	}
	var alike []Cell
	for _, c := range out {
		if slices.Contains(t.SameUnit, c.head) {
			alike = append(alike, c.cells...)
		}
	}
	for _, c := range out {
		if slices.Contains(t.SameUnit, c.head) {
			c.format(styleOf(alike))
			continue
		}
		c.format(styleOf(c.cells))
	}
	return out
}

// heading is the column's name with its unit.
func (c *column) heading() string {
	if c.unit == "" {
		return c.head
	}
	return strings.TrimSpace(c.head + " (" + c.unit + ")")
}

// format writes the cells. Numbers of one unit have it once, under the heading, and as many
// decimals as each other.
func (c *column) format(style style) {
	c.unit = style.unit
	for _, cell := range c.cells {
		if !style.uniform || cell.Unknown || !cell.numeric() {
			c.texts = append(c.texts, cell.String())
			continue
		}
		c.texts = append(c.texts, style.text(cell))
	}
}

// style is how the numbers of a column are written.
type style struct {
	uniform  bool // all numbers are in the unit
	unit     string
	size     float64 // how much of the base unit it is
	decimals int
}

// styleOf is the style of numbers that have one unit; it is not uniform where they have not, or
// need none.
func styleOf(cells []Cell) style {
	unit, small, large := UnitText, math.Inf(1), 0.0
	for _, c := range cells {
		switch {
		case c.Unknown || !c.numeric() && c.Text == "":
			continue
		case unit != UnitText && c.Unit != unit:
			return style{}
		}
		unit = c.Unit
		if v := math.Abs(c.value()); v > 0 {
			small, large = min(small, v), max(large, v)
		}
	}
	switch unit {
	case UnitDuration:
		return scaledStyle(small, large, durationScales)
	case UnitBytes:
		return scaledStyle(small, large, byteScales)
	case UnitAverage:
		return style{uniform: true, size: 1, decimals: 2}
	case UnitShare:
		if large < 0.01 {
			return style{uniform: true, unit: "%", size: 0.01, decimals: 2}
		}
		return style{uniform: true, unit: "%", size: 0.01, decimals: 1}
	case UnitPerSecond:
		return style{uniform: true, unit: "s/s", size: 1, decimals: 3}
	}
	return style{}
}

// value is the cell's number in its base unit.
func (c Cell) value() float64 {
	if c.Unit == UnitCount || c.Unit == UnitDuration || c.Unit == UnitBytes {
		return float64(c.Int)
	}
	return c.Float
}

const (
	maxDecimals = 3
	leastInUnit = 0.01   // smaller numbers have less than two digits within these decimals
	maxInUnit   = 10_000 // larger numbers are hard to compare
)

// scaledStyle is the largest unit in which the smallest number still has two digits, or the
// smallest in which the largest number is not too long.
func scaledStyle(small, large float64, scales []scale) style {
	small = min(small, large)
	var chosen scale
	for _, s := range scales {
		if large < s.from && s.from > 0 {
			continue
		}
		if chosen.size != 0 && large/s.size >= maxInUnit {
			break
		}
		chosen = s
		if small/s.size >= leastInUnit || s.size == 1 {
			break
		}
	}
	if chosen.size == 1 {
		return style{true, chosen.name, 1, 0}
	}
	return style{true, chosen.name, chosen.size, decimals(small/chosen.size, large/chosen.size)}
}

// decimals are as many as give the smallest number two digits and the largest three, within limits.
func decimals(small, large float64) int {
	n := max(digitsAfter(small, 2), digitsAfter(large, 3))
	return min(maxDecimals, max(0, n))
}

// digitsAfter is how many digits behind the point a number needs for so many that mean something.
func digitsAfter(v float64, digits int) int {
	if v <= 0 || math.IsInf(v, 0) {
		return 0
	}
	return digits - 1 - int(math.Floor(math.Log10(v)+1e-9))
}

// text is a number in the style. What is not 0 is not written as 0.
func (s style) text(c Cell) string {
	v := c.value() / s.size
	text := grouped(v, s.decimals)
	if v != 0 && strings.Trim(text, "-0.") == "" && !c.AtLeast {
		least := strconv.FormatFloat(math.Pow10(-s.decimals), 'f', s.decimals, 64)
		if text = "<" + least; v < 0 {
			text = ">-" + least
		}
	}
	if strings.Trim(text, "-0.") == "" {
		text = "0"
	}
	if c.AtLeast {
		return "≥" + text
	}
	return text
}

// grouped writes a number with its thousands apart.
func grouped(v float64, decimals int) string {
	whole, part, point := strings.Cut(strconv.FormatFloat(math.Abs(v), 'f', decimals, 64), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err == nil {
		whole = FormatCount(n)
	}
	if point {
		whole += "." + part
	}
	if v < 0 {
		return "-" + whole
	}
	return whole
}
