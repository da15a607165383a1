package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plainWords are the words of the vocabulary that mean other things too. They are looked for only
// where text is compared or written into a trace; all others are looked for everywhere.
var plainWords = []string{
	"budget", "cgo", "coroutine", "frozen", "gc", "idle", "parked", "preempted", "runtime", "sleeping",
	"stop-the-world", "stopped", "syscall exit", "timer",
}

// allowedWords are bare words that mean something else where they stand, by folder.
var allowedWords = map[string][]string{
	"cmd/gosched":      {"run"},                            // of the go command
	"internal/testenv": {"cgo", "gc", "syscalls", "yield"}, // programs
	"record/stacks":    {"runtime.Gosched"},                // the function
}

// vocabulary is every word that has a typed name, and whether it means other things too.
func vocabulary() map[string]bool {
	words := map[string]bool{}
	for _, s := range transitionSpecs[1:] {
		words[s.name] = true
	}
	for _, s := range reasonSpecs[1:] {
		words[s.name] = slices.Contains(plainWords, s.name)
	}
	for _, s := range markSpecs {
		words[s.name] = false
	}
	return words
}

// TestNoBareWordOfTheVocabulary checks the module's code outside this package, as this system
// builds it: who writes or compares a word of traces uses its typed name.
func TestNoBareWordOfTheVocabulary(t *testing.T) {
	packages, exports := listPackages(t)
	if len(packages) < 20 {
		t.Fatalf("the module has %d packages: this test does not see them", len(packages))
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	unmet := map[string]bool{}
	for folder, words := range allowedWords {
		for _, word := range words {
			unmet[folder+" "+word] = true
		}
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		for _, bare := range bareWords(t, fset, files, imports) {
			folder, _ := filepath.Rel(root, p.Dir)
			if slices.Contains(allowedWords[folder], bare.word) {
				delete(unmet, folder+" "+bare.word)
				continue
			}
			t.Errorf("%s: %q is a word of the vocabulary: use its name in format", bare.at, bare.word)
		}
	}
	for word := range unmet {
		t.Errorf("%s is allowed and not used", word)
	}
}

// bareWord is a word of the vocabulary in the code.
type bareWord struct {
	at   token.Position
	word string
}

type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// listPackages are the packages of the module, but for this one, and where the export data of all
// is that they import.
func listPackages(t *testing.T) (ours []listed, exports map[string]string) {
	t.Helper()
	const module = "github.com/gosched/gosched"
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	cmd.Dir, cmd.Stderr = "..", os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports = map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return ours, exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module+"/") && p.ImportPath != module+"/format" {
			ours = append(ours, p)
		}
	}
}

// bareWords checks the files of a package.
func bareWords(t *testing.T, fset *token.FileSet, files []*ast.File, imports types.Importer) []bareWord {
	t.Helper()
	c := wordCheck{fset: fset, words: vocabulary(), found: map[token.Pos]string{}}
	c.info.Types = map[ast.Expr]types.TypeAndValue{}
	cfg := types.Config{Importer: imports}
	if _, err := cfg.Check(files[0].Name.Name, fset, files, &c.info); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		ast.Inspect(f, c.node)
	}
	var out []bareWord
	for _, pos := range slices.Sorted(maps.Keys(c.found)) {
		out = append(out, bareWord{fset.Position(pos), c.found[pos]})
	}
	return out
}

// wordCheck finds constant strings that are words of the vocabulary.
type wordCheck struct {
	fset  *token.FileSet
	info  types.Info
	words map[string]bool
	found map[token.Pos]string
}

// textFuncs are functions that compare texts, or write them into a trace.
var textFuncs = []string{"Contains", "Cut", "CutPrefix", "CutSuffix", "EqualFold", "HasPrefix", "HasSuffix", "Index",
	"Intern", "TrimPrefix", "TrimSuffix", "Find"}

func (c *wordCheck) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.Field: // paths and tags
		_, field := n.(*ast.Field)
		return field && n.(*ast.Field).Tag == nil
	case *ast.BasicLit:
		c.literal(n)
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			c.compared(n.X, n.Y)
		}
	case *ast.CaseClause:
		c.compared(n.List...)
	case *ast.IndexExpr:
		c.compared(n.Index)
	case *ast.CompositeLit:
		if _, ok := c.info.Types[n].Type.Underlying().(*types.Map); ok {
			for _, e := range n.Elts {
				c.compared(e.(*ast.KeyValueExpr).Key)
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(textFuncs, f.Sel.Name) {
			c.compared(n.Args...)
		}
	}
	return true
}

// literal takes a string wherever it stands.
func (c *wordCheck) literal(lit *ast.BasicLit) {
	if text, ok := c.text(lit); ok {
		if plain, ok := c.words[text]; ok && !plain {
			c.found[lit.Pos()] = text
		}
	}
}

// compared takes expressions that text of a trace is compared with.
func (c *wordCheck) compared(list ...ast.Expr) {
	for _, e := range list {
		if text, ok := c.text(e); ok {
			if _, ok := c.words[text]; ok {
				c.found[e.Pos()] = text
			}
		}
	}
}

// text is the value of an expression that is a constant string, and of no type that has a name:
// such words are another vocabulary's.
func (c *wordCheck) text(e ast.Expr) (string, bool) {
	tv := c.info.Types[e]
	if _, basic := tv.Type.(*types.Basic); !basic || tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// TestBareWordsAreFound shows the check what it must find, and what not.
func TestBareWordsAreFound(t *testing.T) {
	for _, test := range []struct {
		code string
		want string // the word found, or empty
	}{
		{`func f(s string) bool { return s == "timer" }`, "timer"},
		{`const mine = "timer"; func f(s string) bool { return s != mine }`, "timer"},
		{`func f(s string) int { switch s { case "a", "run": return 1 }; return 0 }`, "run"},
		{`var m = map[string]int{"gc": 1}`, "gc"},
		{`func f(m map[string]int) int { return m["kernel"] }`, "kernel"},
		{`type table struct{}; func (table) Intern(string) int { return 0 }; var x = table{}.Intern("cgo")`, "cgo"},
		{`var idle = "swapper"`, "swapper"},
		{`const cut = "[truncated]"`, "[truncated]"},
		{`var label = "timer"`, ""},
		{`type metric string; const run metric = "run"; func f(m metric) bool { return m == run }`, ""},
		{`var list = []string{"run", "park"}`, ""},
		{`type doc struct { Kernel int "kernel" }`, ""},
		{`func f(s string) bool { return s == "timers" }`, ""},
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x\n"+test.code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, bare := range bareWords(t, fset, []*ast.File{f}, nil) {
			got = append(got, bare.word)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: found %q, want %q", test.code, got, test.want)
		}
	}
}
