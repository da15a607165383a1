package report

import "github.com/gosched/gosched/analyze/stats"

// Warning is something that a reader of a result has to know to read it right.
type Warning struct {
	Code       string `json:"code"`                 // one word for programs, such as "gaps"
	Text       string `json:"text"`                 // a sentence for people, made from what follows
	PID        int32  `json:"pid,omitempty"`        // the process that it is about; 0: all, or not known
	Transition string `json:"transition,omitempty"` // the class of transitions that is missing
	Count      int64  `json:"count,omitempty"`      // how many there are of what the code names
}

// Document is a result made ready to be drawn.
type Document struct {
	Title    string
	Tone     Tone     // of the title, where that is a verdict
	Lead     []string // sentences right under the title: the answer in a few lines
	Warnings []Warning
	Facts    []Fact // names with values, drawn before the tables
	Tables   []Table
	Charts   []Histogram
	Notes    []string // sentences, drawn last
	Checks   []Check  // what a gate looked at, for WriteJUnit alone
}

// Fact is a named value.
type Fact struct {
	Name  string
	Value Cell
}

// Table is rows of cells under columns. A column whose numbers have one unit has that unit under
// its heading, and one precision.
type Table struct {
	Title   string
	Columns []string
	Spare   []string // headings of columns that a narrow terminal can do without, the first to go first
	// headings of columns of durations that are read beside each other: they have one unit and
	// precision
	SameUnit []string
	Rows     [][]Cell
	Brief    int      // how many rows are drawn where not all are asked for; 0: all
	Fewest   int      // how many of these stay where the document has to fit a screen
	Extra    bool     // drawn only where all is asked for
	More     int      // rows that the result itself leaves out
	Below    []string // sentences right under the table: what its words mean, what is not in it
}

// Histogram is counts by range of durations, drawn as bars.
type Histogram struct {
	Title string
	Extra bool        // drawn only where all is asked for
	Below []string    // sentences right under it
	Rows  []stats.Row // consecutive ranges of nanoseconds
}

// Unit is how a cell's number is printed.
type Unit uint8

// The units.
const (
	UnitText      Unit = iota // Text as it is
	UnitCount                 // Int with thousands apart
	UnitDuration              // Int nanoseconds, printed as 1.23 ms
	UnitShare                 // Float, 1 is 100%
	UnitBytes                 // Int bytes
	UnitRatio                 // Float times another value, printed as 2.05×
	UnitP                     // Float, a probability, printed as 0.002
	UnitRate                  // Float things a second, printed as 1,234/s
	UnitAverage               // Float things at a time on average, printed as 16.7
	UnitPerSecond             // Float seconds per second, printed as 1.45 s/s
	UnitFunction              // Text is the full name of a function, shortened where there is no room
)

// Cell is one value of a table. The zero Cell is empty.
type Cell struct {
	Unit    Unit
	Text    string
	Int     int64
	Float   float64
	Unknown bool // there is no value: drawn as "?"
	AtLeast bool // the number is a lower bound: drawn with "≥"
	Tone    Tone // whether the value is good news or bad
}

// In is the cell in a tone.
func (c Cell) In(t Tone) Cell {
	c.Tone = t
	return c
}

// Text is a cell of words.
func Text(s string) Cell { return Cell{Text: s} }

// Function is a cell of a function's full name, import path and all.
func Function(name string) Cell { return Cell{Unit: UnitFunction, Text: name} }

// Count is a cell of a number of things.
func Count(n int64) Cell { return Cell{Unit: UnitCount, Int: n} }

// Duration is a cell of nanoseconds.
func Duration(ns int64) Cell { return Cell{Unit: UnitDuration, Int: ns} }

// OptionalDuration is a cell of nanoseconds, unknown where ns is nil.
func OptionalDuration(ns *int64) Cell {
	if ns == nil {
		return Cell{Unit: UnitDuration, Unknown: true}
	}
	return Duration(*ns)
}

// Percentile is a cell of a percentile: where it is not known, of what it is at least.
func Percentile(p stats.Percentile) Cell {
	if p.NS == nil && p.AtLeastNS != nil {
		c := Duration(*p.AtLeastNS)
		c.AtLeast = true
		return c
	}
	return OptionalDuration(p.NS)
}

// ScaledColumns are the headings of the cells of Scaled, of things that are called noun, and those that
// have one unit.
func ScaledColumns(noun string) (all, sameUnit []string) {
	return []string{noun, noun + ": from", noun + ": to", "time", "time: from", "time: to"},
		[]string{"time", "time: from", "time: to"}
}

// Scaled are cells of what windows stand for, with its intervals.
func Scaled(s *stats.Scaled) []Cell {
	count := func(n *int64) Cell {
		if n == nil {
			return Cell{Unit: UnitCount, Unknown: true}
		}
		return Count(*n)
	}
	time := Duration(s.NS)
	time.AtLeast = s.AtLeast
	return []Cell{Count(s.Count), count(s.CountInterval[0]), count(s.CountInterval[1]), time,
		OptionalDuration(s.NSInterval[0]), OptionalDuration(s.NSInterval[1])}
}

// Share is a cell of a part of a whole, 1 being all of it.
func Share(part float64) Cell { return Cell{Unit: UnitShare, Float: part} }

// Bytes is a cell of a size.
func Bytes(n int64) Cell { return Cell{Unit: UnitBytes, Int: n} }

// Average is a cell of how many things there were at a time.
func Average(n float64) Cell { return Cell{Unit: UnitAverage, Float: n} }

// OptionalRatio is a cell of how many times another value one is, 1 being as much; unknown where
// times is nil.
func OptionalRatio(times *float64) Cell { return optional(UnitRatio, times) }

// Probability is a cell of a probability, 1 being certain.
func Probability(p float64) Cell { return Cell{Unit: UnitP, Float: p} }

// OptionalProbability is a cell of a probability, unknown where p is nil.
func OptionalProbability(p *float64) Cell { return optional(UnitP, p) }

// Rate is a cell of things a second.
func Rate(perSecond float64) Cell { return Cell{Unit: UnitRate, Float: perSecond} }

// PerSecond is a cell of seconds per second, summed over goroutines: 1 is one all the time.
func PerSecond(v float64) Cell { return Cell{Unit: UnitPerSecond, Float: v} }

func optional(u Unit, v *float64) Cell {
	if v == nil {
		return Cell{Unit: u, Unknown: true}
	}
	return Cell{Unit: u, Float: *v}
}
