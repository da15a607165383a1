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
		0: "0ns", 1: "1ns", 999: "999ns", 1000: "1.00µs", 1234: "1.23µs", 9_994: "9.99µs", 9_995: "10.0µs",
		9_996: "10.0µs", 12_345: "12.3µs", 99_949: "99.9µs", 99_950: "100µs",
		123_456: "123µs", 999_499: "999µs", 999_500: "1.00ms", 1_234_567: "1.23ms", 59_949_000_000: "59.9s",
		59_999_000_000: "1.00min", 60_000_000_000: "1.00min", 61_500_000_000: "1.02min",
		3_599_999_999_999: "1.00h", 3_600_000_000_000: "1.00h", 7_200_000_000_000_000: "2000h", -1234: "-1.23µs",
		-999_999: "-1.00ms",
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
		FormatBytes(512):   "512B", FormatBytes(1536): "1.50KiB", FormatBytes(1 << 30): "1.00GiB",
		FormatBytes(1<<20 - 1): "1.00MiB",
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
				Title: "By kind", Columns: []string{"", "count", "p50", "share"}, More: 3,
				Rows: [][]Cell{
					{Text("main.(*Server).handle|now"), Count(12), Duration(1_234_567), Share(0.5)},
					{Text("github.com/example/a/very/long/package/path.(*Thing).function.func1"), Count(1_000_000),
						OptionalDuration(nil), Share(0.001)},
				},
			},
			{Title: "Empty tables are left out", Columns: []string{"a"}},
		},
		Charts: []Histogram{{Title: "All", Rows: []stats.Row{{Lo: 512, Hi: 1023, Count: 1},
			{Lo: 1024, Hi: 2047, Count: 1000, Censored: 2}, {Lo: 2048, Hi: 4095}, {Lo: 4096, Hi: 8191, Count: 333}}}},
		Notes: []string{"That is all."},
	}
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
		"testdata/document.md": markdown.String(),
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
	if err := WriteJSON(&b, Warning{"a", "x < y"}); err != nil {
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
