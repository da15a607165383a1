// Package report draws results: plain values (tables, histograms, notes and
// warnings) become aligned text, Markdown, HTML or JSON, and what a gate checked becomes a JUnit
// report. It writes to what it is given and knows neither terminals nor traces.
//
// # Size
//
// It is one Document and five ways to draw it, each a file; whoever changes what a Document can
// hold has to change all of them.
package report
