package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed document.html
var page string

var pageTemplate = template.Must(template.New("document").Parse(page))

// WriteHTML draws the document as one HTML file that loads nothing and runs nothing, for light and
// dark screens. It can be read without its styles too, which some servers of artifacts refuse.
func WriteHTML(w io.Writer, d *Document) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, htmlOf(cleaned(d))); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// The document as the template draws it: all numbers are text, all tones are classes.
type (
	htmlPage struct {
		*Document
		Class  string
		Facts  []htmlFact
		Tables []htmlTable
		Charts []htmlChart
	}
	htmlFact struct {
		Name  string
		Value htmlCell
	}
	htmlTable struct {
		Title string
		Head  []htmlCell // nil: the columns have no names
		Rows  [][]htmlCell
		More  string // how many rows were left out; "": none
		Below []string
	}
	htmlCell struct{ Text, Class string }
	// htmlChart is a histogram: bars by range.
	htmlChart struct {
		Title string
		Bars  []htmlBar
		Below []string
	}
	// htmlBar is a range of a histogram, or a run of empty ones that is left out.
	htmlBar struct {
		Label, Count, Width string // Width in percent of the longest
		Gap                 bool
	}
)

// classes are the tones' names in the style sheet.
var classes = [...]string{ToneWorse: "worse", ToneBetter: "better", ToneUnsure: "unsure"}

func (t Tone) class() string {
	if int(t) >= len(classes) {
		return ""
	}
	return classes[t]
}

func htmlOf(d *Document) *htmlPage {
	p := &htmlPage{Document: d, Class: d.Tone.class()}
	for _, f := range d.Facts {
		p.Facts = append(p.Facts, htmlFact{Name: f.Name, Value: htmlCell{f.Value.String(), f.Value.Tone.class()}})
	}
	for _, t := range d.Tables {
		if len(t.Rows)+len(t.Below) > 0 {
			p.Tables = append(p.Tables, htmlTableOf(&t))
		}
	}
	for _, c := range d.Charts {
		if len(c.Rows) > 0 {
			p.Charts = append(p.Charts, htmlChartOf(&c))
		}
	}
	return p
}

func htmlTableOf(t *Table) htmlTable {
	h := htmlTable{Title: t.Title, Rows: make([][]htmlCell, len(t.Rows)), Below: t.Below}
	if t.More > 0 {
		h.More = FormatCount(int64(t.More))
	}
	named := false
	for _, c := range columnsOf(t) {
		named = named || c.head != ""
		h.Head = append(h.Head, htmlCell{c.heading(), c.class()})
		for i, text := range c.texts {
			cell := htmlCell{text, c.class()}
			if tone := c.cells[i].Tone.class(); tone != "" {
				cell.Class += " " + tone
			}
			h.Rows[i] = append(h.Rows[i], cell)
		}
	}
	if !named {
		h.Head = nil
	}
	return h
}

// class says how a column is set: numbers at the right, functions so that they may break anywhere,
// words as words.
func (c *column) class() string {
	switch {
	case c.right:
		return "number"
	case c.function:
		return "name"
	}
	return "words"
}

// leastBar is the width, in percent, of the shortest bar that can be seen.
const leastBar = 0.4

func htmlChartOf(h *Histogram) htmlChart {
	c := htmlChart{Title: h.Title, Below: h.Below}
	var most int64 = 1
	for _, r := range h.Rows {
		most = max(most, r.Count)
	}
	for i := 0; i < len(h.Rows); i++ {
		if n := emptyRun(h.Rows[i:]); n > maxEmpty {
			c.Bars = append(c.Bars, htmlBar{Gap: true})
			i += n - 1
			continue
		}
		r := h.Rows[i]
		bar := htmlBar{Label: rangeLabel(r), Count: countLabel(r), Width: "0"}
		if r.Count > 0 {
			bar.Width = fmt.Sprintf("%.2f", max(leastBar, 100*float64(r.Count)/float64(most)))
		}
		c.Bars = append(c.Bars, bar)
	}
	return c
}
