// Package buckets is the summary: the file in which histograms of recordings are kept, as rows of a
// flat table in Parquet that any engine sums up. It knows how the rows lie in the file, and nothing
// of what they are made of.
//
// Everything that is said of its columns is said once, in the table of spec.go: schema, writer,
// reader and SUMMARY.md are made from it.
//
// A file is written as a whole with [Write] and read with [Open]. What a reader is given may be
// anything: it checks what it reads, and what it holds in memory is bounded.
package buckets
