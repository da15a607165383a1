package buckets

import (
	"flag"
	"testing"

	"github.com/gosched/gosched/format/internal/flat"
	"github.com/gosched/gosched/internal/docs"
)

var update = flag.Bool("update", false, "write SUMMARY.md")

// page is what SUMMARY.md.tmpl is filled in with.
type page struct {
	Version, MaxRecordings, MaxRows, MaxTextBytes int
	Key                                           string
	Columns                                       []pageColumn
}

type pageColumn struct{ Name, Type, Null, Meaning string }

func TestSummaryMDIsWhatTheSpecSays(t *testing.T) {
	p := page{Version, MaxRecordings, MaxRows, MaxTextBytes, key, nil}
	types := map[flat.Type]string{flat.Int64: "int64", flat.String: "string"}
	for i := range specs {
		s := &specs[i]
		c := pageColumn{s.name, types[s.typ()], "never", s.meaning}
		if s.nullable {
			c.Null = "where there is none"
		}
		p.Columns = append(p.Columns, c)
	}
	docs.Check(t, "SUMMARY.md", docs.Fill(t, "SUMMARY.md.tmpl", p), *update,
		"go test ./format/buckets -run SummaryMD -update")
}
