package buckets

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/gosched/gosched/format/internal/flat"
)

var update = flag.Bool("update", false, "write SUMMARY.md")

func TestSummaryMDIsWhatTheSpecSays(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, mdIntro, Version)
	for i := range specs {
		s := &specs[i]
		null := "never"
		if s.nullable {
			null = "where there is none"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", s.name, map[flat.Type]string{flat.Int64: "int64",
			flat.String: "string"}[s.typ()], null, s.meaning)
	}
	fmt.Fprintf(&out, mdRest, key, Version, MaxRuns, MaxRows, MaxTextBytes)
	if *update {
		if err := os.WriteFile("SUMMARY.md", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("SUMMARY.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Error("SUMMARY.md differs from the spec; run: go test ./format/buckets -run SummaryMD -update")
	}
}

const mdIntro = `# The summary format, version %d

This file is made from the spec table in ` + "`spec.go`" + `; do not edit it (` + "`go test ./format/buckets -run SummaryMD -update`" + `).

A summary, ` + "`NAME.summary.parquet`" + `, is what is kept of recordings: histograms as rows of one flat table in Parquet. Nothing is nested and no type
is unsigned. A group of durations of a recording has a row for each bucket that is not empty, and one more, without a bucket, with the exact figures:
so ` + "`SUM(count)`" + `, ` + "`SUM(censored)`" + ` and ` + "`SUM(sum_ns)`" + ` over a group's rows are right as they are, over several recordings too.
Take the rows of one ` + "`metric`" + ` and ` + "`grouped_by`" + ` at a time: others count the same durations again.

## Columns

| column | type | null | meaning |
|---|---|---|---|
`

const mdRest = `
Total, reason, class, contention and site leave out the goroutines of the runtime itself, which are in kind alone. Buckets are log-linear, 128 an
octave: with L the bit length of a duration in nanoseconds, shift = greatest(L − 8, 0) and bucket = shift · 128 + (duration >> shift).

Rows are in the order of recordings, then metric, grouped_by, name, stack and bucket, the row of exact figures first; then pairs. A row group holds rows of one recording.

## Percentiles

By nearest rank, in integers: of the delays by reason the 99th percentile, over all recordings in the file, for DuckDB.

` + "```sql" + `
WITH b AS (
  SELECT name, bucket, hi_ns, SUM(count) AS n
  FROM 'base.summary.parquet'
  WHERE metric = 'delay' AND grouped_by = 'reason' AND bucket IS NOT NULL
  GROUP BY name, bucket, hi_ns
), r AS (
  SELECT name, hi_ns, SUM(n) OVER (PARTITION BY name ORDER BY bucket) AS below, SUM(n) OVER (PARTITION BY name) AS whole FROM b
)
SELECT name, MIN(hi_ns) AS p99_ns, MAX(whole) AS n FROM r WHERE below * 1000 >= whole * 990 AND whole > 0 GROUP BY name ORDER BY name;
` + "```" + `

gosched prints the same number, no larger than ` + "`max_ns`" + `. Where ` + "`censored`" + ` is not 0, gosched counts what was cut as at least as long (Kaplan–Meier), and prints more.

## Metadata

Key-value metadata ` + "`%s`" + ` of the Parquet file: ` + "`{\"version\": %d, \"runs\": [{\"run\": …, \"info\": {…}}]}`" + `, where run is what the rows have in that column, and info what
` + "`gosched summary --json`" + ` prints of a recording: metadata, duration, goroutines, leaks, findings, causes, warnings.

A file has at most %d recordings, %d rows, and texts of %d bytes. Several files are one when they are read together:
` + "`gosched summary a.summary.parquet b.summary.parquet -o both.summary.parquet`" + `.

## Versions

Later versions append columns and metadata, and change nothing that is there. A reader refuses a newer version than its own.
`
