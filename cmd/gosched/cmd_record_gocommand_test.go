package main

import (
	"strings"
	"testing"
)

func TestWhoRecordsTheGoCommandIsTold(t *testing.T) {
	for name, c := range map[string]struct{ command, want string }{
		"go test":              {"go test ./...", "gosched record --follow --exe '*.test' -- go test"},
		"go run":               {"go run .", "go run -exec 'gosched record --'"},
		"go build":             {"/usr/local/go/bin/go build", "build the program"},
		"another version":      {"go1.27.4 test", "--follow"},
		"in another folder":    {"go -C /src test", "--follow"},
		"in another folder, =": {"go -C=/src test", "--follow"},
		"go vet":               {"go vet", ""},
		"go alone":             {"go", ""},
		"a name like it":       {"gopher test", ""},
		"go later":             {"./server go test", ""},
	} {
		if got := goCommandNote(strings.Fields(c.command)); c.want == "" != (got == "") ||
			!strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
