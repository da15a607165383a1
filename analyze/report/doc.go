// Package report draws results: plain values (tables, histograms, notes and
// warnings) become aligned text, Markdown or JSON. It writes to what it is given and knows neither
// terminals nor traces.
package report
