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
	}
	htmlCell struct{ Text, Class string }
	// htmlChart is a histogram: bars by range.
	htmlChart struct {
		Title string
		Bars  []htmlBar
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
		if len(t.Rows) > 0 {
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
	h := htmlTable{Title: t.Title}
	if t.More > 0 {
		h.More = FormatCount(int64(t.More))
	}
	for i, line := range cells(t) {
		row := make([]htmlCell, len(line))
		for j, text := range line {
			row[j] = htmlCell{text, columnClass(t, j)}
			if tone := t.tone(i-1, j).class(); tone != "" {
				row[j].Class += " " + tone
			}
		}
		switch {
		case i > 0:
			h.Rows = append(h.Rows, row)
		case t.hasHead():
			h.Head = row
		}
	}
	return h
}

// columnClass says how a column is set: numbers at the right, names so that they may break
// anywhere, words as words.
func columnClass(t *Table, column int) string {
	switch {
	case rightAligned(t, column):
		return "number"
	case column < max(1, t.Names):
		return "name"
	}
	return "words"
}

// leastBar is the width, in percent, of the shortest bar that can be seen.
const leastBar = 0.4

func htmlChartOf(h *Histogram) htmlChart {
	c := htmlChart{Title: h.Title}
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
