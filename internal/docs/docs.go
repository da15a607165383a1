// Package docs fills in the pages of documentation that tests keep true: prose in a template,
// tables from the code.
package docs

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"text/template"
)

// Fill is the template at path filled in with data.
func Fill(tb testing.TB, path string, data any) string {
	tb.Helper()
	var out strings.Builder
	t, err := template.ParseFiles(path)
	if err == nil {
		err = t.Execute(&out, data)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// Check compares a page with the file at path, or writes the file where update says so. The command
// is what writes it.
func Check(tb testing.TB, path, page string, update bool, command string) {
	tb.Helper()
	have, err := os.ReadFile(path)
	if err != nil && !update {
		tb.Fatal(err)
	}
	switch {
	case bytes.Equal(have, []byte(page)):
	case !update:
		tb.Errorf("%s is not what its sources make; run: %s", path, command)
	default:
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// Field is a field of a struct and what its comment says of it.
type Field struct {
	Name    string // as the struct's tag has it, behind the names of the structs that it is in and dots
	Type    reflect.Type
	Meaning string // in one line
}

// Fields are the fields of a struct type and of those in it, which stand in the source file at
// path. The key is that of their tags: json, yaml. Each field must have a sentence as its comment.
func Fields(tb testing.TB, path string, typ reflect.Type, key string) []Field {
	tb.Helper()
	return fields(tb, comments(tb, path), typ, key, "")
}

func fields(tb testing.TB, comments map[string]string, typ reflect.Type, key, prefix string) (list []Field) {
	tb.Helper()
	for f := range typ.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get(key), ",")
		meaning := comments[typ.Name()+"."+f.Name]
		if !strings.HasSuffix(meaning, ".") {
			tb.Errorf("the comment of %s.%s is no sentence: %q", typ.Name(), f.Name, meaning)
		}
		list = append(list, Field{prefix + tag, f.Type, meaning})
		if kind := f.Type.Kind(); kind == reflect.Slice || kind == reflect.Pointer {
			if elem := f.Type.Elem(); elem.Kind() == reflect.Struct {
				list = append(list, fields(tb, comments, elem, key, prefix+tag+".")...)
			}
		}
	}
	return list
}

// comments are the comments of the fields of a file's structs, by "Type.Field".
func comments(tb testing.TB, path string) map[string]string {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		tb.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				words := strings.Fields(f.Doc.Text() + " " + f.Comment.Text())
				found[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(words, " ")
			}
		}
		return false
	})
	return found
}
