package referee

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

// waitReasonsFile is where a toolchain has the runtime's wait reasons, from its GOROOT.
const waitReasonsFile = "src/runtime/runtime2.go"

// runtimeWaitReasons reads the runtime's wait reasons out of its source; an empty toolchain is the
// test's own.
func runtimeWaitReasons(t *testing.T, toolchain string) map[string]bool {
	t.Helper()
	if toolchain == "" {
		out, err := exec.Command("go", "env", "GOVERSION").Output()
		if err != nil {
			t.Fatal(err)
		}
		toolchain = strings.TrimSpace(string(out))
	}
	file := filepath.Join(testenv.GOROOT(t, toolchain), waitReasonsFile)
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "waitReasonStrings" {
			return true
		}
		ast.Inspect(spec, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				reasons[s] = true
			}
			return true
		})
		return false
	})
	if len(reasons) < 20 {
		t.Fatalf("%s has %d wait reasons", file, len(reasons))
	}
	return reasons
}
