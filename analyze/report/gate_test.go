package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/internal/golden"
)

// verdict is what a gate has to say, with everything in it.
func verdict() *Document {
	p, long := 0.0004, "github.com/example/shop/internal/checkout/v2.(*Reservations).holdUntilPaid.func1"
	return &Document{
		Title: "Worse: goroutines wait 2.05× as long for a CPU",
		Tone:  ToneWorse,
		Lead: []string{
			"The 99th percentile of scheduling latency went from 1.20ms to 2.46ms (p<0.001, 10 recordings against " +
				"10), and a limit of 1.5× was set.",
			"main.(*store).get waits 3.1× as long for main.(*store).mu, which explains most of it.",
			"+12.34% more CPU was used; that was not judged.",
		},
		Warnings: []Warning{{Code: "gaps", Text: "2 of 20 recordings lost events during 3.2% of their time, so that " +
			"what they say of short waits is a lower bound."}},
		Facts: []Fact{
			{"base", Text("10 recordings of 30s, go1.25.1, 8 CPUs, 2f1c0aa")},
			{"head", Text("10 recordings of 30s, go1.25.1, 8 CPUs, 9b7e21d")},
			{"machines", Text("differ: a claim about durations holds for neither of them alone, which is said here " +
				"at some length so that it wraps").In(ToneUnsure)},
		},
		Tables: []Table{
			{
				Title: "What was judged", Columns: []string{"metric", "base", "head", "ratio", "change", "p", "limit",
					"verdict"},
				Rows: [][]Cell{
					{Text("scheduling latency p99"), Duration(1_200_000), Duration(2_460_000),
						ratio(2.05).In(ToneWorse), Share(1.05).In(ToneWorse), OptionalProbability(&p), ratio(1.5),
						Text("worse").In(ToneWorse)},
					{Text("blocked on mutexes"), Share(0.021), Share(0.0204), ratio(0.97), Share(-0.0286),
						Probability(0.31), ratio(1.5), Text("~")},
					{Text("goroutines started"), Rate(1234), Rate(0.52), OptionalRatio(nil),
						Share(-0.9996).In(ToneBetter), Probability(0.002), Cell{}, Text("better").In(ToneBetter)},
					{Text("collector pauses"), Duration(80_000), OptionalDuration(nil),
						OptionalRatio(nil).In(ToneUnsure), {Unit: UnitShare, Unknown: true}, OptionalProbability(nil),
						{Unit: UnitRate, Unknown: true}, Text("not judged: too few pauses").In(ToneUnsure)},
				},
			},
			{
				Title: "Where the waits grew", Columns: []string{"function", "reason", "waits", "ratio"},
				More: 1234,
				Rows: [][]Cell{
					{Function("main.(*store).get"), Text("sync.Mutex.Lock"), Count(120_431), ratio(3.1).In(ToneWorse)},
					{Function("main.cached[go.shape.string](http.Handler)"), Text("select"), Count(12), ratio(0.98)},
					{Function(long).In(ToneBetter), Text("chan receive"), Count(7), ratio(0.1).In(ToneBetter)},
				},
			},
			{Columns: []string{"", ""}, Rows: [][]Cell{{Text("no names"), Count(1)}}},
			{Title: "Empty tables are left out", Columns: []string{"a"}},
		},
		Charts: []Histogram{{Title: "Scheduling latency at head", Rows: []stats.Row{
			{Lo: 512, Hi: 1023, Count: 1}, {Lo: 1024, Hi: 2047, Count: 20_331, Censored: 2},
			{Lo: 2048, Hi: 4095, Count: 14_010}, {Lo: 4096, Hi: 8191, Count: 333},
			{Lo: 8192, Hi: 16383}, {Lo: 16384, Hi: 32767}, {Lo: 32768, Hi: 65535}, {Lo: 65536, Hi: 131071, Count: 41},
		}}, {Title: "Empty charts are left out"}},
		Notes: []string{"p is of a permutation test over recordings.", "1. A note that looks like a list."},
		Checks: []Check{
			{"scheduling latency", "p99", Failed, "1.20ms → 2.46ms, 2.05×, p<0.001\nlimit 1.5×"},
			{"blocking", "mutexes", Passed, "2.10% → 2.04%, 0.97×, p=0.31"},
			{"scheduling latency", "p50", Passed, ""},
			{"", "collector pauses", Skipped, "too few pauses"},
			{"blocking", "channels", Failed, ""},
			{"blocking", "network", Skipped, ""},
		},
	}
}

func ratio(times float64) Cell { return OptionalRatio(&times) }

const hostileText = "]]> \x00<script>alert(1)</script>|`*_[x](y)\n# \xff\x1b[31m\u0085 a & b ~~c~~ \\| " +
	"\uffff\u202a\u202e\u2066\u2069"

// hostile is a document whose every text comes from someone who means harm.
func hostile() *Document {
	s := hostileText
	return &Document{
		Title: s, Tone: Tone(99), Lead: []string{s, "> " + s}, Notes: []string{"# " + s},
		Warnings: []Warning{{Code: s, Text: s}},
		Facts:    []Fact{{s, Text(s).In(Tone(99))}},
		Tables: []Table{{Title: s, Columns: []string{s, s}, Rows: [][]Cell{{Text(s).In(ToneWorse), Count(1)}, {Text(s)},
			{}, {Text(s), Text(s), Text(s)}}}},
		Charts: []Histogram{{Title: s, Rows: []stats.Row{{Hi: 1, Count: 1}}}},
		Checks: []Check{{s, s, Failed, s}, {s, s, Skipped, s}, {s, s, Passed, s}, {s, s, Outcome(99), s}},
	}
}

func text(t *testing.T, d *Document, o Options) string {
	t.Helper()
	return drawn(t, func(w io.Writer) error { return WriteText(w, d, o) })
}

// drawn is what a writer writes, which is the same when it writes again.
func drawn(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var once, again bytes.Buffer
	if err := write(&once); err != nil {
		t.Fatal(err)
	}
	if err := write(&again); err != nil || once.String() != again.String() {
		t.Errorf("the second time it is another text (error: %v)", err)
	}
	return once.String()
}

func markdownOf(t *testing.T, d *Document) string {
	return drawn(t, func(w io.Writer) error { return WriteMarkdown(w, d) })
}

func htmlText(t *testing.T, d *Document) string {
	return drawn(t, func(w io.Writer) error { return WriteHTML(w, d) })
}

func junitText(t *testing.T, d *Document) string {
	return drawn(t, func(w io.Writer) error { return WriteJUnit(w, d, "gosched compare") })
}

func TestVerdictInEveryFormat(t *testing.T) {
	for path, got := range map[string]string{
		"verdict.txt": text(t, verdict(), Options{}), "verdict-wide.txt": text(t, verdict(), Options{Width: 140}),
		"verdict-ascii.txt": text(t, verdict(), Options{ASCII: true}),
		"verdict-color.txt": text(t, verdict(), Options{Color: true}), "verdict.md": markdownOf(t, verdict()),
		"verdict.html": htmlText(t, verdict()), "verdict.xml": junitText(t, verdict()),
		"hostile.txt": text(t, hostile(), Options{}), "hostile.md": markdownOf(t, hostile()),
		"hostile.html": htmlText(t, hostile()), "hostile.xml": junitText(t, hostile()),
	} {
		golden.Check(t, "testdata/"+path, []byte(got))
	}
}

func TestWritersLeaveTheDocumentAlone(t *testing.T) {
	d := hostile()
	text(t, d, Options{ASCII: true, Width: 40})
	markdownOf(t, d)
	htmlText(t, d)
	junitText(t, d)
	if !reflect.DeepEqual(d, hostile()) {
		t.Error("a writer changed what it drew")
	}
}

func TestWritersDrawNothingOfNothing(t *testing.T) {
	if got := text(t, &Document{}, Options{}) + markdownOf(t, &Document{}); got != "" {
		t.Errorf("got %q", got)
	}
	if got := htmlText(t, &Document{}); !strings.Contains(got, "<title>gosched</title>") ||
		!strings.Contains(got, "<body>\n</body>") {
		t.Errorf("got %s", got)
	}
}

func TestColorsTakeNoRoom(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9]+m")
	for _, d := range []*Document{sample(), verdict(), hostile()} {
		for _, width := range []int{0, 40, 60, 200} {
			plain, colored := text(t, d, Options{Width: width}), text(t, d, Options{Width: width, Color: true})
			if got := escapes.ReplaceAllString(colored, ""); got != plain {
				t.Errorf("width %d: without its colours it is\n%s\nwant\n%s", width, got, plain)
			}
			if plain == colored {
				t.Errorf("width %d: there is no colour", width)
			}
		}
	}
}

// TestASCIIIsAligned checks that what stands for other characters was measured: lines fit, and
// columns end where their heads do.
func TestASCIIIsAligned(t *testing.T) {
	d := &Document{Tables: []Table{{Columns: []string{"change", "n"}, Rows: [][]Cell{{Text("1ms → 2ms"), Count(1)},
		{Text("none"), ratio(2)}}}}}
	if got, want := text(t, d, Options{ASCII: true}),
		"\nchange          n\n1ms -> 2ms      1\nnone        2.00x\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, c := range text(t, verdict(), Options{ASCII: true}) {
		if c >= utf8.RuneSelf {
			t.Fatalf("%q at %d", c, i)
		}
	}
}

func TestTerminalsGetNoEscapesOfOthers(t *testing.T) {
	got := text(t, hostile(), Options{})
	for _, c := range got {
		if c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0) {
			t.Fatalf("control character %q in %q", c, got)
		}
	}
	if !utf8.ValidString(got) {
		t.Error("it is no UTF-8")
	}
}

func TestMarkdownShowsTextAsItIs(t *testing.T) {
	for text, want := range map[string]string{
		"main.(*store).get_all[int]": `main.(\*store).get\_all\[int]`, "a <b> & `c`": "a &lt;b> &amp; \\`c\\`",
		`\|`: `\\\|`, "~": `\~`,
		"- item": `\- item`, "-4.50%": "-4.50%", "+ item": `\+ item`, "+1%": "+1%", "# head": `\# head`,
		"> quote": `\> quote`, "12. item": `12\. item`, "1) item": `1\) item`, "1.5× more": "1.5× more", "---": `\---`,
		"  code": "code",
	} {
		if got := escapeLine(text); got != want {
			t.Errorf("escapeLine(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMarkdownLeadOfOneSentenceIsAParagraph(t *testing.T) {
	if got, want := markdownOf(t, &Document{Title: "T", Lead: []string{"# S"}}), "## T\n\n\\# S\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJUnitIsReadBack(t *testing.T) {
	var r junitReport
	if err := xml.Unmarshal([]byte(junitText(t, verdict())), &r); err != nil {
		t.Fatal(err)
	}
	if r.Name != "gosched compare" || r.Tests != 6 || r.Failures != 2 || r.Errors != 0 {
		t.Errorf("the totals are %+v", r)
	}
	var names []string
	for _, s := range r.Suites {
		var failures, skipped int
		for _, c := range s.Cases {
			names = append(names, c.Class+"/"+c.Name)
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Skipped != skipped {
			t.Errorf("%s: %d tests, %d failures, %d skipped; counted %d, %d, %d", s.Name, s.Tests, s.Failures,
				s.Skipped, len(s.Cases), failures, skipped)
		}
	}
	want := []string{"scheduling latency/p99", "scheduling latency/p50", "blocking/mutexes", "blocking/channels",
		"blocking/network", "gosched compare/collector pauses"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("the cases are %q, want %q", names, want)
	}
	if f := r.Suites[0].Cases[0].Failure; f.Text != verdict().Checks[0].Text || strings.Contains(f.Message, "\n") {
		t.Errorf("the failure is %+v", f)
	}
	if out := r.Suites[0].Out; !strings.HasPrefix(out, verdict().Title+"\n"+verdict().Lead[0]) ||
		r.Suites[1].Out != "" {
		t.Errorf("the first suite says %q", out)
	}
}

func TestJUnitHoldsWhatXMLCannot(t *testing.T) {
	var r junitReport
	if err := xml.Unmarshal([]byte(junitText(t, hostile())), &r); err != nil {
		t.Fatal(err)
	}
	want := "]]> \ufffd<script>alert(1)</script>|`*_[x](y)\n# \ufffd\ufffd[31m\ufffd a & b ~~c~~ \\| " +
		strings.Repeat("\ufffd", 5)
	if got := r.Suites[0].Cases[0].Failure.Text; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJUnitOfNoChecksHasASuite(t *testing.T) {
	var r junitReport
	if err := xml.Unmarshal([]byte(junitText(t, &Document{Title: "Nothing to judge"})), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Suites) != 1 || r.Suites[0].Out != "Nothing to judge" {
		t.Errorf("got %+v", r)
	}
}

func TestHTMLLoadsAndRunsNothing(t *testing.T) {
	d := verdict()
	d.Tables[1].Rows[1][0] = Cell{} // the name of a function of net/http
	for _, d := range []*Document{d, hostile()} {
		got := htmlText(t, d)
		for _, bad := range []string{"http", "src=", "href", "<script", "url(", "@import", "\x00", "onload"} {
			if strings.Contains(strings.ToLower(got), bad) {
				t.Errorf("%q is in it", bad)
			}
		}
		if !utf8.ValidString(got) {
			t.Error("it is no UTF-8")
		}
	}
}

// TestHTMLIsWellFormed reads the page as XML, whose rules are stricter; only void elements are
// forgiven.
func TestHTMLIsWellFormed(t *testing.T) {
	void := regexp.MustCompile(`(<meta [^>]*)>`)
	for _, d := range []*Document{verdict(), hostile(), {}} {
		r := xml.NewDecoder(strings.NewReader(void.ReplaceAllString(htmlText(t, d), "$1/>")))
		open := map[string]int{}
		for {
			token, err := r.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok {
				open[e.Name.Local]++
			}
		}
		if open["table"] != open["tbody"] || len(d.Tables) > 0 && open["rect"] == 0 {
			t.Errorf("elements: %v", open)
		}
	}
}
