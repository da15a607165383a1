package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/internal/golden"
)

func TestFormatDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0 ns", 1: "1 ns", 999: "999 ns", 1000: "1.00 µs", 1234: "1.23 µs", 9_994: "9.99 µs", 9_995: "10.0 µs",
		9_996: "10.0 µs", 12_345: "12.3 µs", 99_949: "99.9 µs", 99_950: "100 µs", 123_456: "123 µs",
		999_499: "999 µs", 999_500: "1.00 ms", 1_234_567: "1.23 ms", 59_949_000_000: "59.9 s",
		78_000_000_000: "78.0 s", 3_599_999_999_999: "3,600 s", 35_981_000_000_000: "35,981 s",
		36_000_000_000_000: "10.0 h", 7_200_000_000_000_000: "2,000 h", -1234: "-1.23 µs", -999_999: "-1.00 ms",
	} {
		if got := FormatDuration(ns); got != want {
			t.Errorf("FormatDuration(%d) = %q, want %q", ns, got, want)
		}
	}
}

func TestFormatCountBytesShareAndNumber(t *testing.T) {
	for got, want := range map[string]string{
		FormatCount(0): "0", FormatCount(999): "999", FormatCount(1000): "1,000", FormatCount(1234567): "1,234,567",
		FormatCount(-1234): "-1,234",
		FormatBytes(512):   "512 B", FormatBytes(1536): "1.50 KiB", FormatBytes(1 << 30): "1.00 GiB",
		FormatBytes(1<<20 - 1): "1.00 MiB",
		FormatShare(0):         "0%", FormatShare(0.00001): "<0.01%", FormatShare(0.0005): "0.05%",
		FormatShare(0.123): "12.3%",
		FormatShare(1):     "100%", FormatShare(0.9999): "100%",
		FormatRatio(0): "0×", FormatRatio(0.0049): "<0.01×", FormatRatio(0.98): "0.98×", FormatRatio(1.034): "1.03×",
		FormatRatio(12.34): "12.3×", FormatRatio(104.4): "104×", FormatRatio(999.5): "1,000×",
		FormatRatio(math.NaN()): "?", FormatRatio(math.Inf(1)): "Inf×",
		FormatRate(0): "0/s", FormatRate(0.52): "0.52/s", FormatRate(1234.4): "1,234/s", FormatRate(2e20): "2e+20/s",
		FormatRate(-0.001):   ">-0.01/s",
		FormatProbability(0): "<0.001", FormatProbability(0.00099): "<0.001", FormatProbability(0.002): "0.002",
		FormatProbability(0.0496): "0.050", FormatProbability(0.0999): "0.10", FormatProbability(0.312): "0.31",
		FormatProbability(1): "1.00", FormatProbability(math.NaN()): "?",
		FormatNumber(1, "event"): "1 event", FormatNumber(1234, "event"): "1,234 events",
		FormatNumber(0, "event"): "0 events",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// sample is a document with everything in it.
func sample() *Document {
	return &Document{
		Title: "A result",
		Warnings: []Warning{{Code: "gaps", Text: "events were lost during 3.2% of the time, which is a sentence " +
			"long enough to be broken into two lines"}},
		Facts: []Fact{{"events", Count(1234567)}, {"size", Bytes(1 << 20)}, {"nothing known", Cell{Unknown: true}}},
		Tables: []Table{
			{
				Title: "By entry function", Columns: []string{"function", "at", "waits", "p50", "longest", "share",
					"why"},
				Spare: []string{"at", "p50"}, More: 3, Brief: 3,
				Below: []string{"share: of all waits, which is a sentence long enough that it does not fit one " +
					"line of a narrow terminal"},
				Rows: [][]Cell{
					{Function("main.(*Server).handle|now"), Text("server.go:12"), Count(12), Duration(1_234_567),
						Duration(78_000_000_000), Share(0.5), Text("waits for work")},
					{Function("github.com/example/a/very/long/package/path.(*Thing).function.func1"),
						Text("path.go:1034"), Count(1_000_000), OptionalDuration(nil), atLeast(Duration(1_234)),
						Share(0.001),
						Text("blocked for the whole recording; not enough evidence for a leak")},
					{Function("main.main"), Text(""), Count(1), Duration(0), Duration(45_600_000), Share(0), Text("")},
					{Function("main.hidden"), Text("server.go:99"), Count(1), Duration(12_345), Duration(1),
						Share(0.499),
						Text("")},
				},
			},
			{Title: "By reason", Extra: true, Columns: []string{"", "size", "mixed"}, Rows: [][]Cell{
				{Text("chan receive"), Bytes(1 << 20), Count(3)}, {Text("select"), Bytes(1000), Share(0.25)}}},
			{Title: "Empty tables are left out", Columns: []string{"a"}},
		},
		Lead: []string{"Half of the waits are short.",
			"The longest took 78.0 s, and that is said in a sentence which " +
				"goes on for more than a line."},
		Charts: []Histogram{{Title: "All", Rows: []stats.Row{{Lo: 512, Hi: 1023, Count: 1},
			{Lo: 1024, Hi: 2047, Count: 1000, Censored: 2}, {Lo: 2048, Hi: 4095}, {Lo: 4096, Hi: 8191, Count: 333}}}},
		Notes: []string{"That is all."},
	}
}

func atLeast(c Cell) Cell {
	c.AtLeast = true
	return c
}

func TestWriters(t *testing.T) {
	draw := func(o Options) string {
		var b bytes.Buffer
		if err := WriteText(&b, sample(), o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var markdown bytes.Buffer
	if err := WriteMarkdown(&markdown, sample()); err != nil {
		t.Fatal(err)
	}
	for path, got := range map[string]string{
		"testdata/wide.txt": draw(Options{Width: 120}), "testdata/default.txt": draw(Options{}),
		"testdata/narrow.txt": draw(Options{Width: 50}),
		"testdata/ascii.txt":  draw(Options{ASCII: true}), "testdata/color.txt": draw(Options{Color: true}),
		"testdata/everything.txt": draw(Options{Wide: true, All: true}),
		"testdata/document.md":    markdown.String(),
	} {
		golden.Check(t, path, []byte(got))
	}
}

func TestLinesFitTheTerminal(t *testing.T) {
	for _, width := range []int{60, -60, 72, 80, -80, 100, 200} {
		var b bytes.Buffer
		o := Options{Width: max(width, -width), ASCII: width < 0}
		width = o.Width
		if err := WriteText(&b, sample(), o); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d characters in %q", width, n, line)
			}
		}
	}
}

// TestColumnsHaveOneUnitAndPrecision checks what a column makes of its numbers.
func TestColumnsHaveOneUnitAndPrecision(t *testing.T) {
	for _, c := range []struct {
		cells []Cell
		unit  string
		want  string
	}{
		{[]Cell{Duration(9_050_000), Duration(1_060)}, "µs", "9,050.0 1.1"},
		{[]Cell{Duration(489_000), Duration(88_600), Duration(1_060)}, "µs", "489.0 88.6 1.1"},
		{[]Cell{Duration(78_000_000_000), OptionalDuration(nil), Duration(0)}, "s", "78.0 ? 0"},
		{[]Cell{Duration(14_400_000_000), Duration(6_070_000)}, "s", "14.400 0.006"},
		{[]Cell{Duration(1_000_000_000), Duration(5_920)}, "ms", "1,000.000 0.006"},
		{[]Cell{Duration(1_000_000_000_000), Duration(1)}, "s", "1,000.000 <0.001"},
		{[]Cell{Duration(1_000_000_000_000), atLeast(Duration(1))}, "s", "1,000.000 ≥0"},
		{[]Cell{Duration(-1_200_000), Duration(2_000_000)}, "ms", "-1.20 2.00"},
		{[]Cell{Duration(5), Duration(120)}, "ns", "5 120"},
		{[]Cell{Duration(90_000_000_000_000), Duration(3_600_000_000_000)}, "h", "25.0 1.0"},
		{[]Cell{Share(0.129), Share(0.0001), Share(1)}, "%", "12.9 <0.1 100.0"},
		{[]Cell{Share(0.0012), Share(0.00001)}, "%", "0.12 <0.01"},
		{[]Cell{Count(12), Count(1234)}, "", "12 1,234"},
		{[]Cell{Count(12), Duration(1234), Text("x")}, "", "12 1.23 µs x"},
		{[]Cell{Text(""), Duration(1234)}, "µs", " 1.23"},
		{[]Cell{Bytes(1 << 20), Bytes(1000)}, "KiB", "1,024.00 0.98"},
		{nil, "", ""},
	} {
		rows := make([][]Cell, len(c.cells))
		for i := range c.cells {
			rows[i] = c.cells[i : i+1]
		}
		got := columnsOf(&Table{Columns: []string{""}, Rows: rows})[0]
		if text := strings.Join(got.texts, " "); text != c.want || got.unit != c.unit {
			t.Errorf("%v: %q in %q, want %q in %q", c.cells, text, got.unit, c.want, c.unit)
		}
	}
}

func TestASCIIIsASCII(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, sample(), Options{ASCII: true}); err != nil {
		t.Fatal(err)
	}
	for i, c := range b.Bytes() {
		if c >= utf8.RuneSelf {
			t.Fatalf("byte %d is %#x, after %q", i, c, b.String()[max(0, i-20):i])
		}
	}
}

// TestBarsAreProportional checks lengths in eighths of a column: what is not nothing can be seen,
// and the most fills the room.
func TestBarsAreProportional(t *testing.T) {
	unicode, ascii := &textWriter{}, &textWriter{o: Options{ASCII: true}}
	for _, c := range []struct {
		n, most int64
		want    string
	}{{0, 100, ""}, {100, 100, "██████████"}, {50, 100, "█████"}, {1, 1_000_000, "▏"}, {55, 100, "█████▌"},
		{0, 0, ""}} {
		if got := unicode.bar(c.n, c.most, 10); got != c.want {
			t.Errorf("bar(%d of %d) = %q, want %q", c.n, c.most, got, c.want)
		}
	}
	if got := ascii.plain(ascii.bar(55, 100, 10)); got != "######" {
		t.Errorf("the ASCII bar is %q", got)
	}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, Warning{Code: "a", Text: "x < y"}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.HasSuffix(got, "}\n") || !strings.Contains(got, "x < y") || !json.Valid(b.Bytes()) {
		t.Errorf("got %q", got)
	}
}

// failing is a writer that refuses.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWritersReportErrors(t *testing.T) {
	if WriteText(failing{}, sample(), Options{}) == nil || WriteMarkdown(failing{}, sample()) == nil ||
		WriteJSON(failing{}, 1) == nil ||
		WriteHTML(failing{}, sample()) == nil || WriteJUnit(failing{}, sample(), "") == nil {
		t.Error("an error of the writer is lost")
	}
}

func TestAScreenDoesNotEndWithinARowThatGoesOn(t *testing.T) {
	d := &Document{Tables: []Table{{Columns: []string{"#", "step"}, Brief: 1, Rows: [][]Cell{
		{Count(1), Text("blocked")}, {{}, Text("waiting")}, {Count(2), Text("hidden")}}}}}
	for rows, want := range map[int]string{
		0: "\n#  step\n1  blocked\n   waiting\n1 more row: --all\n",
		2: "\n#  step\n1  blocked\n   waiting\n1 more row: --all\n",
		3: "\n#  step\n1  blocked\n   waiting\n2  hidden\n",
	} {
		var b bytes.Buffer
		if err := WriteText(&b, d, Options{Rows: rows}); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%d rows: %q, want %q", rows, b.String(), want)
		}
	}
}

// TestADocumentFitsAScreen draws tables that are too long together: rows go from the longest, never
// one of several that belong together, and what is not drawn is counted.
func TestADocumentFitsAScreen(t *testing.T) {
	rows := func(n int, first string) (list [][]Cell) {
		for i := range n {
			name := first
			if first == "" && i%2 == 0 {
				name = "chain"
			}
			list = append(list, []Cell{Text(name), Count(int64(i))})
		}
		return list
	}
	d := &Document{Title: "T", Tables: []Table{
		{Title: "long", Columns: []string{"a", "n"}, Rows: rows(90, "x"), Brief: 40},
		{Title: "pairs", Columns: []string{"a", "n"}, Rows: rows(30, ""), Brief: 30},
		{Title: "whole", Columns: []string{"a", "n"}, Rows: rows(8, "y")},
		{Title: "first", Columns: []string{"a", "n"}, Rows: rows(20, "z"), Brief: 12, Fewest: 9},
	}}
	var short, all strings.Builder
	if err := WriteText(&short, d, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&all, d, Options{All: true}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(short.String(), "\n"); n > 40 || n < 36 {
		t.Errorf("%d lines:\n%s", n, short.String())
	}
	if n := strings.Count(all.String(), "\n"); n < 128 {
		t.Errorf("all: %d lines", n)
	}
	for _, table := range strings.Split(short.String(), "\n\n")[1:] {
		title, _, _ := strings.Cut(table, "\n")
		drawn := strings.Count(table, "\nx") + strings.Count(table, "\ny") + strings.Count(table,
			"\nz") + strings.Count(table, "\nchain") +
			strings.Count(table, "\n ")
		if title == "whole" && drawn != 8 || title != "whole" && !strings.Contains(table, "more rows: --all") {
			t.Errorf("%s", table)
		}
		if pairs := strings.Count(table, "\nchain"); title == "pairs" && pairs*2 != drawn {
			t.Errorf("half a chain:\n%s", table)
		}
	}
	if n := strings.Count(short.String(), "\nz"); n != 9 {
		t.Errorf("%d rows of the table of which nine stay", n)
	}
	if again := d.Tables[0].Brief; again != 40 {
		t.Errorf("drawing changed the document: %d rows", again)
	}
}
