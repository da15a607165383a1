package buckets

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"text/template"

	"github.com/gosched/gosched/format/internal/flat"
)

var update = flag.Bool("update", false, "write SUMMARY.md")

// page is what SUMMARY.md.tmpl is filled in with.
type page struct {
	Version, MaxRuns, MaxRows, MaxTextBytes int
	Key                                     string
	Columns                                 []pageColumn
}

type pageColumn struct{ Name, Type, Null, Meaning string }

func TestSummaryMDIsWhatTheSpecSays(t *testing.T) {
	p := page{Version, MaxRuns, MaxRows, MaxTextBytes, key, nil}
	types := map[flat.Type]string{flat.Int64: "int64", flat.String: "string"}
	for i := range specs {
		s := &specs[i]
		c := pageColumn{s.name, types[s.typ()], "never", s.meaning}
		if s.nullable {
			c.Null = "where there is none"
		}
		p.Columns = append(p.Columns, c)
	}
	var got bytes.Buffer
	if err := template.Must(template.ParseFiles("SUMMARY.md.tmpl")).Execute(&got, p); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("SUMMARY.md", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("SUMMARY.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("SUMMARY.md differs from the spec; run: go test ./format/buckets -run SummaryMD -update")
	}
}
