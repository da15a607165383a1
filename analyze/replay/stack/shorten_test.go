package stack

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShortenTakesThePackagePathFirst(t *testing.T) {
	const nats = "github.com/nats-io/nats-server/v2/server.(*client).readLoop"
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{nats, 100, nats},
		{nats, len(nats), nats},
		{nats, len(nats) - 1, "…/server.(*client).readLoop"},
		{nats, 27, "…/server.(*client).readLoop"},
		{nats, 26, "server.(*client).readLoop"},
		{nats, 24, "….(*client).readLoop"},
		{nats, 20, "….(*client).readLoop"},
		{nats, 19, "(*client).readLoop"},
		{nats, 17, "….readLoop"},
		{nats, 9, "readLoop"},
		{nats, 7, "re…Loop"},
		{"github.com/jackc/pgx/v5.(*Conn).Query", 30, "…/pgx/v5.(*Conn).Query"},
		{"net/http.(*conn).serve", 21, "…/http.(*conn).serve"},
		{"main.main", 4, "main"},
		{"a.F", 2, "F"},
		{"main.main", 0, "…"},
		{"", 0, ""},
	} {
		if got := Shorten(c.name, c.width); got != c.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", c.name, c.width, got, c.want)
		}
	}
}

func TestLocalKeepsWhatAMajorVersionIsOf(t *testing.T) {
	for name, want := range map[string]string{
		"github.com/jackc/pgx/v5.(*Conn).Query": "pgx/v5.(*Conn).Query", "net/http.(*conn).serve": "http.(*conn).serve",
		"main.main": "main.main", "v2.F": "v2.F", "a/v2x.F": "v2x.F", "": "",
	} {
		if got := Local(name); got != want {
			t.Errorf("Local(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("github.com/nats-io/nats-server/v2/server.(*client).readLoop", 20)
	f.Add("a/b[go.shape.string;c/d].(*T[int]).F.func1", 9)
	f.Fuzz(func(t *testing.T, name string, width int) {
		if width < 1 || !utf8.ValidString(name) {
			return
		}
		short := Shorten(name, width)
		if utf8.RuneCountInString(short) > width {
			t.Errorf("Shorten(%q, %d) = %q", name, width, short)
		}
		last := name[strings.LastIndexByte(name, '.')+1:]
		if len(last) > len(name)-len(Package(name)) {
			return // the last dot is in the package's path
		}
		if width > 2*utf8.RuneCountInString(last) && !strings.HasSuffix(short, last) {
			t.Errorf("Shorten(%q, %d) = %q has lost %q", name, width, short, last)
		}
	})
}
