package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is a Go file of the module.
type source struct {
	path      string
	pkg       string // folder, relative to the module
	test      bool
	generated bool
	file      *ast.File
	fset      *token.FileSet
}

// checkTree reads every Go file of the module and returns what breaks a rule.
func checkTree(tree fs.FS) ([]string, error) {
	var broken []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(tree, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := parse(tree, name)
		if err != nil {
			return err
		}
		broken = append(broken, src.check()...)
		return nil
	})
	return broken, err
}

// skipFolder skips test data, hidden folders and modules of their own.
func skipFolder(tree fs.FS, name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(tree fs.FS, name string) (source, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return source{}, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{
		path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(file), file: file, fset: fset,
	}, nil
}

func (s source) check() []string {
	broken := s.checkName()
	for _, spec := range s.file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		broken = append(broken, s.checkImport(imported)...)
	}
	if !s.test {
		ast.Inspect(s.file, func(n ast.Node) bool {
			broken = append(broken, s.checkNode(n)...)
			return true
		})
	}
	return broken
}

func (s source) checkName() []string {
	name := strings.TrimSuffix(s.file.Name.Name, "_test")
	if slices.Contains(vagueNames, name) {
		return []string{fmt.Sprintf("%s: package %s: name it after what it holds", s.path, name)}
	}
	if base := path.Base(s.pkg); name != base && name != "main" {
		return []string{fmt.Sprintf("%s: package %s lies in folder %s: folder and package have one name", s.path, name,
			base)}
	}
	return nil
}

func (s source) checkImport(imported string) []string {
	refuse := func(format string, args ...any) []string {
		return []string{fmt.Sprintf("%s: imports %s: ", s.path, imported) + fmt.Sprintf(format, args...)}
	}
	if imported == "C" {
		return refuse("the module is Go only, no cgo")
	}
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		return s.checkLayer(ours, refuse)
	}
	if strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
		return s.checkHome(imported, refuse)
	}
	if slices.Contains(machine, imported) && matchAny(offMachine, s.pkg) && !s.test && !matchAny(testsOnly, s.pkg) {
		return refuse("right of format code may touch only the trace, not the machine")
	}
	return nil
}

func (s source) checkLayer(ours string, refuse func(string, ...any) []string) []string {
	if s.test && (ours == s.pkg || matchAny(testLayers, ours)) {
		return nil
	}
	for _, layer := range layers {
		if !match(layer.pkg, s.pkg) {
			continue
		}
		if matchAny(layer.may, ours) {
			return nil
		}
		return refuse("%s may import %s of ours: %s", layer.pkg, orNothing(layer.may), layer.why)
	}
	return refuse("folder %s has no row in the table of layers", s.pkg)
}

func (s source) checkHome(imported string, refuse func(string, ...any) []string) []string {
	for _, home := range homes {
		if imported != home.module && !strings.HasPrefix(imported, home.module+"/") {
			continue
		}
		may := home.home
		if s.test {
			may = append(slices.Clone(may), home.inTests...)
		}
		if matchAny(may, s.pkg) {
			return nil
		}
		return refuse("the home of %s is %s", home.module, orNothing(may))
	}
	return refuse("the module has no row in the table of homes: each third-party module has one home")
}

// checkNode finds what belongs to the command alone, and init functions, by which
// registries fill themselves behind the reader's back.
func (s source) checkNode(n ast.Node) []string {
	at := func(n ast.Node) string { return s.fset.Position(n.Pos()).String() }
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" && !s.generated {
			return []string{at(n) + ": func init: list things explicitly where they are used"}
		}
	case *ast.SelectorExpr:
		pkg, ok := n.X.(*ast.Ident)
		if !ok || s.file.Name.Name == "main" {
			return nil
		}
		if s.pkg == "record/gobin" && pkg.Name == "format" && !slices.Contains(binaryWords, n.Sel.Name) &&
			!strings.HasPrefix(n.Sel.Name, "Transition") {
			return []string{fmt.Sprintf("%s: record/gobin uses format.%s: it may name transitions, and knows no trace",
				at(n), n.Sel.Name)}
		}
		for _, f := range commandOnly {
			if pkg.Name == f.pkg && n.Sel.Name == f.name {
				return []string{fmt.Sprintf("%s: %s.%s is for the command alone: %s", at(n), f.pkg, f.name, f.why)}
			}
		}
	}
	return nil
}

// match says whether a pattern, "a/b" or "a/b/..." or "...", holds for a package.
func match(pattern, pkg string) bool {
	below, ok := strings.CutSuffix(pattern, "...")
	if !ok {
		return pattern == pkg
	}
	return strings.HasPrefix(pkg+"/", below)
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, pkg) })
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
