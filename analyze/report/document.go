package report

import "github.com/gosched/gosched/analyze/stats"

// Warning is something that a reader of a result has to know to read it right.
type Warning struct {
	Code string `json:"code"` // one word for programs, such as "gaps"
	Text string `json:"text"` // a sentence for people
}

// Document is a result made ready to be drawn.
type Document struct {
	Title    string
	Warnings []Warning
	Facts    []Fact // names with values, drawn before the tables
	Tables   []Table
	Charts   []Histogram
	Notes    []string // sentences, drawn last
}

// Fact is a named value.
type Fact struct {
	Name  string
	Value Cell
}

// Table is rows of cells under columns.
type Table struct {
	Title   string
	Columns []string
	Names   int // how many of the first columns are names, which are shortened where lines do not fit; 0: 1
	Rows    [][]Cell
	More    int // rows left out, said below the table
}

// Histogram is counts by range of durations, drawn as bars.
type Histogram struct {
	Title string
	Rows  []stats.Row // consecutive ranges of nanoseconds
}

// Unit is how a cell's number is printed.
type Unit uint8

// The units.
const (
	UnitText     Unit = iota // Text as it is
	UnitCount                // Int with thousands apart
	UnitDuration             // Int nanoseconds, printed as 1.23ms
	UnitShare                // Float, 1 is 100%
	UnitBytes                // Int bytes
)

// Cell is one value of a table. The zero Cell is empty.
type Cell struct {
	Unit    Unit
	Text    string
	Int     int64
	Float   float64
	Unknown bool // there is no value: drawn as "?"
}

// Text is a cell of words.
func Text(s string) Cell { return Cell{Text: s} }

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

// Share is a cell of a part of a whole, 1 being all of it.
func Share(part float64) Cell { return Cell{Unit: UnitShare, Float: part} }

// Bytes is a cell of a size.
func Bytes(n int64) Cell { return Cell{Unit: UnitBytes, Int: n} }
