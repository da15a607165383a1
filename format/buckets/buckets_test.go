package buckets

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/format/internal/flat"
)

// fullRow has a value in every column.
func fullRow(run string, n int64) Row {
	return Row{
		Recording: run, Measure: "wait", GroupedBy: "site", Name: "chan receive", Stack: "main.main;main.f",
		Waker:  "main.g",
		Bucket: n, LoNS: n, HiNS: n + 1, Count: 3, Censored: 0,
		SumNS: math.MaxInt64, CensoredSumNS: 5, MinNS: 1, MaxNS: 9, CensoredMaxNS: 2, Broken: 1, Frame: "main.f f.go:1",
		WakerFrame: "main.g g.go:2", Causes: "[]", Found: 0,
	}
}

func file(t testing.TB, names []string, rows [][]Row) []byte {
	t.Helper()
	var b bytes.Buffer
	var runs []Recording
	for _, n := range names {
		runs = append(runs, Recording{n, json.RawMessage(`{"id":"` + n + `"}`)})
	}
	err := Write(&b, runs, func(i int, add func(*Row) error) error {
		for k := range rows[i] {
			if err := add(&rows[i][k]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

func readAll(b []byte) (runs []Recording, rows []Row, err error) {
	f, err := open(b)
	if err != nil {
		return nil, nil, err
	}
	err = f.Rows(func(r *Row) error {
		rows = append(rows, *r)
		return nil
	})
	return f.Recordings(), rows, err
}

func TestRowsComeBack(t *testing.T) {
	empty := EmptyRow
	empty.Recording, empty.Measure, empty.GroupedBy = "a", "delay", "total"
	many := make([]Row, pageRows+10)
	for i := range many {
		many[i] = fullRow("b", int64(i))
	}
	want := [][]Row{{empty, fullRow("a", 7)}, many, nil}
	b := file(t, []string{"a", "b", "c"}, want)
	runs, rows, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 3 || runs[1].Name != "b" || string(runs[1].Info) != `{"id":"b"}` {
		t.Errorf("the runs are %s", runs)
	}
	if !slices.Equal(rows, slices.Concat(want...)) {
		t.Errorf("%d rows came back, of %d, and not the same", len(rows), len(slices.Concat(want...)))
	}
}

func TestEveryFieldOfARowIsAColumn(t *testing.T) {
	r := fullRow("a", 1)
	for i := range specs {
		s := &specs[i]
		if s.text != nil && *s.text(&r) == "" || s.number != nil && *s.number(&r) == Null ||
			(s.text == nil) == (s.number == nil) {
			t.Errorf("column %s has no field", s.name)
		}
		if s.text != nil {
			*s.text(&r) = ""
		} else {
			*s.number(&r) = Null
		}
	}
	if r != EmptyRow {
		t.Errorf("fields without a column: %+v", r)
	}
}

func TestWhatIsASummary(t *testing.T) {
	var trace bytes.Buffer
	w, err := format.NewWriter(&trace, format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(format.Metadata{}); err != nil {
		t.Fatal(err)
	}
	good := file(t, []string{"a"}, [][]Row{{fullRow("a", 1)}})
	for _, test := range []struct {
		name  string
		bytes []byte
		want  bool
	}{
		{"a summary", good, true},
		{"a trace", trace.Bytes(), false},
		{"nothing", nil, false},
		{"a cut summary", good[:len(good)-3], false},
		{"text", []byte(strings.Repeat("gosched text trace 1\n", 10)), false},
	} {
		if got := IsSummary(bytes.NewReader(test.bytes), int64(len(test.bytes))); got != test.want {
			t.Errorf("%s is a summary: %v", test.name, got)
		}
	}
	if _, err := open(trace.Bytes()); !errors.Is(err, ErrNotSummary) {
		t.Errorf("a trace opens as a summary: %v", err)
	}
	if _, err := format.NewReader("x", bytes.NewReader(good), int64(len(good))); !errors.Is(err, format.ErrNotTrace) {
		t.Errorf("a summary opens as a trace: %v", err)
	}
}

// parquet is a file with these columns and this metadata.
func parquet(t *testing.T, columns []flat.Column, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flat.NewWriter(&b, columns)
	if err == nil {
		err = w.Close([]flat.KeyValue{{Key: key, Value: text}}, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBadFilesAreRefusedInASentence(t *testing.T) {
	many := strings.Repeat(`{"recording":"x"},`, MaxRecordings) + `{"recording":"y"}`
	for _, test := range []struct {
		name string
		file []byte
		is   error
		says string
	}{
		{"a newer version", parquet(t, schema(), `{"version":3,"runs":7}`), ErrNewer,
			"version 3, this gosched reads up to 2"},
		{"no version", parquet(t, schema(), `{}`), ErrNotSummary, "version 0"},
		{"no JSON", parquet(t, schema(), `{`), ErrCorrupt, "decode gosched.summary"},
		{"no recordings", parquet(t, schema(), `{"version":1,"recordings":[]}`), ErrCorrupt, "0 recordings"},
		{"a recording twice", parquet(t, schema(), `{"version":1,"recordings":[{"recording":"a"},{"recording":"a"}]}`),
			ErrCorrupt,
			`called "a"`},
		{"too many recordings", parquet(t, schema(), `{"version":1,"recordings":[`+many+`]}`), ErrCorrupt,
			"4097 recordings"},
		{"too much metadata", parquet(t, schema(), strings.Repeat(" ", maxDocumentBytes+1)), ErrCorrupt,
			"bytes of metadata"},
		{"other columns", parquet(t, schema()[1:], `{"version":1,"recordings":[{"recording":"a"}]}`), ErrNotSummary,
			"columns"},
	} {
		_, err := open(test.file)
		if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(),
			"\n") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAWriterRefusesWhatAReaderWould(t *testing.T) {
	row := fullRow("a", 1)
	row.Stack = strings.Repeat("x", MaxTextBytes+1)
	for name, err := range map[string]error{
		"no recordings": Write(new(bytes.Buffer), nil, nil),
		"a long text": Write(new(bytes.Buffer), []Recording{{"a", json.RawMessage("{}")}},
			func(_ int, add func(*Row) error) error {
				return add(&row)
			}),
		"too many": Write(new(bytes.Buffer), make([]Recording, MaxRecordings+1), nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDamageIsAnErrorAndNoPanic(t *testing.T) {
	good := file(t, []string{"a", "b"}, [][]Row{{fullRow("a", 1), fullRow("a", 2)}, {fullRow("b", 3)}})
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x55
		_, _, _ = readAll(bad) // some bytes mean nothing
	}
	for n := range good {
		if _, _, err := readAll(good[:n]); err == nil {
			t.Fatalf("the first %d bytes of %d are a summary", n, len(good))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, []string{"a"}, [][]Row{{fullRow("a", 1), fullRow("a", 2)}}))
	f.Add(file(f, []string{"a", "b"}, [][]Row{{EmptyRow}, nil}))
	f.Fuzz(func(t *testing.T, b []byte) {
		runs, _, err := readAll(b)
		if err == nil && len(runs) == 0 {
			t.Error("a summary of nothing")
		}
		if err != nil && err.Error() == "" {
			t.Errorf("an error without words: %#v", err)
		}
	})
}

// TestASummaryOfVersion1HasFewerColumns: what was not a column then is not there.
func TestASummaryOfVersion1HasFewerColumns(t *testing.T) {
	b := parquet(t, schema()[:leastColumns], `{"version":1,"recordings":[{"recording":"a"}]}`)
	if _, _, err := readAll(b); err != nil {
		t.Error(err)
	}
}
