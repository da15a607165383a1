package format

import (
	"encoding"
	"flag"
	"reflect"
	"strings"
	"testing"

	"github.com/gosched/gosched/format/internal/flat"
	"github.com/gosched/gosched/internal/docs"
)

var update = flag.Bool("update", false, "write FORMAT.md and the golden files")

// page is what FORMAT.md.tmpl is filled in with.
type page struct {
	Version                             int
	Columns                             []pageColumn
	Encodings, Kinds, States            []pageName
	Descriptors                         []pageName
	Transitions, Marks                  []pageName
	Reasons                             []pageReason
	Of                                  map[string]string // the reasons of a move, in words
	VersionKey, MetadataKey, SegmentKey string
	Fields                              []pageField
}

type pageName struct{ Name, Meaning string }

type pageReason struct{ Name, Of, Meaning string }

type pageColumn struct {
	Name, Type, Encoding, Null, Meaning string
	Uses                                []string // by kind
}

type pageField struct{ Name, Type, Meaning string }

func TestFormatMDIsWhatTheSpecSays(t *testing.T) {
	docs.Check(t, "FORMAT.md", docs.Fill(t, "FORMAT.md.tmpl", newPage(t)), *update,
		"go test ./format -run FormatMD -update")
}

func newPage(t *testing.T) page {
	p := page{Version: SchemaVersion, VersionKey: keyVersion, MetadataKey: keyMetadata, SegmentKey: keySegment}
	for i := range specs {
		p.Columns = append(p.Columns, newPageColumn(&specs[i]))
	}
	for _, e := range encodingSpecs {
		p.Encodings = append(p.Encodings, pageName{e.name, e.meaning})
	}
	for _, k := range kindSpecs {
		p.Kinds = append(p.Kinds, pageName{k.name, k.meaning})
	}
	for _, d := range descriptorSpecs {
		p.Descriptors = append(p.Descriptors, pageName{d.name, d.meaning})
	}
	for _, s := range stateSpecs[1:] {
		p.States = append(p.States, pageName{s.name, s.meaning})
	}
	for _, tr := range transitionSpecs[1:] {
		p.Transitions = append(p.Transitions, pageName{tr.name, tr.meaning})
	}
	for _, m := range markSpecs {
		p.Marks = append(p.Marks, pageName{m.name, m.meaning})
	}
	for _, r := range reasonSpecs[1:] {
		p.Reasons = append(p.Reasons, pageReason{r.name, r.of, r.meaning})
	}
	p.Of = reasonsOf()
	for _, f := range docs.Fields(t, "meta.go", reflect.TypeFor[Metadata](), "json") {
		p.Fields = append(p.Fields, pageField{f.Name, jsonType(f.Type), f.Meaning})
	}
	return p
}

// reasonsOf lists the reasons of each move or kind: "a, b or c".
func reasonsOf() map[string]string {
	lists := map[string][]string{}
	for _, r := range reasonSpecs[1:] {
		for _, of := range strings.Split(r.of, "; ") {
			lists[of] = append(lists[of], r.name)
		}
	}
	texts := map[string]string{}
	for of, list := range lists {
		last := len(list) - 1
		texts[of] = strings.Join(list[:last], ", ") + " or " + list[last]
		if last == 0 {
			texts[of] = list[0]
		}
	}
	return texts
}

func newPageColumn(s *spec) pageColumn {
	types := map[flat.Type]string{flat.Int32: "int32", flat.Int64: "int64", flat.String: "string"}
	c := pageColumn{Name: s.name, Type: types[s.typ], Encoding: s.encoding, Null: "never", Meaning: s.meaning}
	if s.nullable() {
		c.Null = "where unknown"
	}
	for _, u := range s.uses {
		c.Uses = append(c.Uses, map[use]string{must: "●", may: "○", never: ""}[u])
	}
	return c
}

func jsonType(t reflect.Type) string {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return "string"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	case reflect.Pointer:
		if t.Elem().Kind() != reflect.Struct {
			return jsonType(t.Elem())
		}
		return "object"
	}
	return "number"
}
