package format

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/gosched/gosched/format/internal/flat"
)

var update = flag.Bool("update", false, "write FORMAT.md and the golden files")

// page is what FORMAT.md.tmpl is filled in with.
type page struct {
	Version                             int
	Columns                             []pageColumn
	Encodings, Kinds, States            []pageName
	VersionKey, MetadataKey, SegmentKey string
	Fields                              []pageField
}

type pageName struct{ Name, Meaning string }

type pageColumn struct {
	Name, Type, Encoding, Null, Meaning string
	Uses                                []string // by kind
}

type pageField struct{ Name, Type, Meaning string }

func TestFormatMDIsWhatTheSpecSays(t *testing.T) {
	var got bytes.Buffer
	if err := template.Must(template.ParseFiles("FORMAT.md.tmpl")).Execute(&got, newPage(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("FORMAT.md", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("FORMAT.md differs from the spec; run: go test ./format -run FormatMD -update")
	}
}

func newPage(t *testing.T) page {
	p := page{Version: SchemaVersion, VersionKey: keyVersion, MetadataKey: keyMetadata, SegmentKey: keySegment,
		Fields: metadataFields(t)}
	for i := range specs {
		p.Columns = append(p.Columns, newPageColumn(&specs[i]))
	}
	for _, e := range encodingSpecs {
		p.Encodings = append(p.Encodings, pageName{e.name, e.meaning})
	}
	for _, k := range kindSpecs {
		p.Kinds = append(p.Kinds, pageName{k.name, k.meaning})
	}
	for _, s := range stateSpecs[1:] {
		p.States = append(p.States, pageName{s.name, s.meaning})
	}
	return p
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

// metadataFields are the fields of the metadata's JSON, each with what its comment says; a dot leads
// into a list's elements.
func metadataFields(t *testing.T) (fields []pageField) {
	comments := fieldComments(t, "meta.go")
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, prefix string) {
		for f := range typ.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			meaning := comments[typ.Name()+"."+f.Name]
			if !strings.HasSuffix(meaning, ".") {
				t.Errorf("the comment of %s.%s is no sentence: %q", typ.Name(), f.Name, meaning)
			}
			fields = append(fields, pageField{prefix + tag, jsonType(f.Type), meaning})
			if kind := f.Type.Kind(); kind == reflect.Slice || kind == reflect.Pointer {
				walk(f.Type.Elem(), prefix+tag+".")
			}
		}
	}
	walk(reflect.TypeFor[Metadata](), "")
	return fields
}

// fieldComments are the comments of the fields of a file's structs, by "Type.Field", on one line.
func fieldComments(t *testing.T, path string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				words := strings.Fields(f.Doc.Text() + f.Comment.Text())
				comments[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(words, " ")
			}
		}
		return false
	})
	return comments
}

func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	case reflect.Pointer:
		return "object"
	}
	return "number"
}
