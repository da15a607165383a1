package blocking

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// beside is the table of goroutines that a library starts beside one that does the work, and that
// wait for as long as it does: for the end of the same request, connection or command. Time is that
// of the one that they are beside: in the sums over goroutines theirs would count it twice.
//
// The names are those of entry functions (net/http, os/exec, net, context, database/sql of go1.18 to
// go1.27, golang.org/x/net v0.1 to v0.60). One that ends with "*" stands for all that begin so.
var beside = []struct{ entry, with string }{
	// looks whether the client goes away while its request is handled
	{"net/http.(*connReader).backgroundRead", "net/http.(*conn).serve"},
	// read the answers and write the requests of a client's connection
	{"net/http.(*persistConn).readLoop", "net/http.(*persistConn).roundTrip"},
	{"net/http.(*persistConn).writeLoop", "net/http.(*persistConn).roundTrip"},
	// the same of HTTP/2
	{"net/http.(*http2ClientConn).readLoop", "net/http.(*http2ClientConn).RoundTrip"},
	{"golang.org/x/net/http2.(*ClientConn).readLoop", "golang.org/x/net/http2.(*ClientConn).RoundTrip"},
	{"net/http.(*http2serverConn).readFrames", "net/http.(*http2serverConn).serve"},
	{"golang.org/x/net/http2.(*serverConn).readFrames", "golang.org/x/net/http2.(*serverConn).serve"},
	// copy a command's input and output, and kill it in the end
	{"os/exec.(*Cmd).Start.func*", "os/exec.(*Cmd).Wait"},
	{"os/exec.(*Cmd).watchCtx.func*", "os/exec.(*Cmd).Wait"},
	// break off a connect, or what a context was given to
	{"net.(*netFD).connect.func*", "net.(*netFD).connect"},
	{"context.(*cancelCtx).propagateCancel.func*", "who was given the context"},
	// end a query or a transaction with its context
	{"database/sql.(*Rows).awaitDone", "who reads the rows"},
	{"database/sql.(*Tx).awaitDone", "who has the transaction"},
}

// besideWhom is whom goroutines of an entry function are beside; empty where they are for
// themselves.
func besideWhom(entry string) string {
	i := slices.IndexFunc(beside, func(b struct{ entry, with string }) bool {
		prefix, all := strings.CutSuffix(b.entry, "*")
		return entry == b.entry || all && strings.HasPrefix(entry, prefix)
	})
	if i < 0 {
		return ""
	}
	return beside[i].with
}

// folded are the rows of the waits that are in those of other goroutines.
func (s spender) folded() []Spent {
	sums := map[string]*sum{}
	for _, site := range s.sites.list {
		if site.beside != "" && !site.lengths.empty() {
			sumOf(sums, stack.Root(s.names.Stack(site.stack))).merge(&site.lengths, site.system)
		}
	}
	rows := s.rows("folded", sums)
	for i := range rows {
		rows[i].Beside = besideWhom(rows[i].Name)
	}
	return rows
}

// foldedAverage is how many goroutines on average are not in the sums.
func (r *Result) foldedAverage() (n float64) {
	for i := range r.Spent {
		if r.Spent[i].By == "folded" {
			n += r.Spent[i].Average
		}
	}
	return n
}

// foldedText says what is not in the sums over goroutines; empty where nothing is.
func (r *Result) foldedText() string {
	var names []string
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "folded" {
			names = append(names, stack.Local(s.Name)+" "+report.FormatAverage(s.Average, ""))
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := len(names) - foldedNamed
	if names = names[:min(len(names), foldedNamed)]; more > 0 {
		names = append(names, report.FormatNumber(int64(more), "other"))
	}
	return fmt.Sprintf("Not counted, since they wait beside another for the same: %s (%s).",
		report.FormatAverage(r.foldedAverage(), "goroutine"), strings.Join(names, ", "))
}

// foldedNamed is how many entry functions are named.
const foldedNamed = 2

// foldedTable is all of it.
func (r *Result) foldedTable() report.Table {
	t := report.Table{Title: "Waits beside another goroutine's, which are not counted", Extra: true,
		Columns: []string{"entry function", "beside", "goroutines", "total", "times"}}
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "folded" {
			t.Rows = append(t.Rows, []report.Cell{report.Function(s.Name), report.Function(s.Beside),
				report.Average(s.Average), report.Duration(s.SumNS + s.CensoredSumNS),
				report.Count(s.Count + s.Censored)})
		}
	}
	return t
}
