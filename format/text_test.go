package format

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
)

// fixture is a text trace as a person writes it.
const fixture = `gosched text trace 1
metadata {"schema_version":1,"source":"ebpf","recorder":"hand","clock":"none","start_ns":1000,` +
	`"end_ns":5000000,"processes":[{"pid":42}]}
base 1000
# a goroutine waits and is woken

0 snapshot g1 _->waiting pid=42 reason="chan receive" stack="main.main /src/main.go:9"
1500 g7 runnable->running pid=42 tid=43 cpu=0 proc=1
1.2ms g7 running->waiting tid=43 reason="chan receive" stack=main.work
2ms thread running->waiting tid=43 reason=sleeping
3ms gap end_ns=4ms reason="ring buffer full"
4ms g7 waiting->runnable by_goid=1 by_stack="a;b c"
4100us limit pid=42 reason="GOMAXPROCS 4"
`

func TestTextIsReadAsItIsMeant(t *testing.T) {
	m, err := ParseText(strings.NewReader(fixture))
	if err != nil {
		t.Fatal(err)
	}
	e := m.Events.At(2)
	if e.TimeNS != 1_201_000 || e.GoID != 7 || e.From != StateRunning || e.To != StateWaiting || e.TID != 43 ||
		e.CPU != Unknown ||
		m.Reasons().Lookup(e.Reason) != "chan receive" || m.Stacks().Lookup(e.Stack) != "main.work" {
		t.Errorf("third event %+v", e)
	}
	if gap := m.Events.At(4); gap.Kind != KindGap || gap.EndNS != 4_001_000 {
		t.Errorf("gap %+v", gap)
	}
	if problems, err := Validate(context.Background(), m, 0); err != nil || len(problems) > 0 {
		t.Errorf("problems %v, %v", problems, err)
	}
}

func TestTextErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ name, line, text string }{
		{"no time", "g7 runnable->running", "not a time"},
		{"time that goes back", "-1s g7 runnable->running", "goes back"},
		{"an unknown word", "5s jump", "not a kind"},
		{"an unknown column", "5s g7 colour=red", "no such column"},
		{"an unknown state", "5s g7 runnable->flying", `unknown value "flying"`},
		{"a number too large", "5s g7 pid=99999999999", "not a number in range"},
		{"a number that means null", "5s g7 pid=-1", "stands for null"},
		{"quotes that do not end", `5s g7 reason="chan`, "quotes"},
		{"metadata that is no JSON", "metadata {", "metadata"},
		{"metadata of a newer version", `metadata {"schema_version":9}`, "newer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseText(strings.NewReader(fixture + c.line + "\n"))
			if err == nil || !strings.Contains(err.Error(), "line 13: ") || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want line 13 and %q", err, c.text)
			}
		})
	}
	if _, err := ParseText(strings.NewReader("PAR1")); err == nil || !strings.Contains(err.Error(),
		"does not begin with") {
		t.Errorf("error %v", err)
	}
}

func TestValidateFindsWhatIsWrong(t *testing.T) {
	const head = "gosched text trace 1\n"
	const meta = `metadata {"schema_version":1,"source":"ebpf","recorder":"r","clock":"c","start_ns":10,` +
		`"end_ns":1000,"processes":[{"pid":1}]}` + "\n"
	for _, c := range []struct{ name, trace, want string }{
		{"nothing wrong", head + meta + "20 g7 runnable->running\n", ""},
		{"no metadata", head + "20 g7 runnable->running\n", "source \"\" is unknown"},
		{"a transition without a goroutine", head + meta + "20 runnable->running\n", "goroutine without goid"},
		{"a transition without a state", head + meta + "20 g7 runnable->_\n", "goroutine without to_state"},
		{"a gap with a goroutine", head + meta + "20 gap g7 end_ns=30 reason=x\n", "gap with goid"},
		{"a limit", head + meta + "20 limit pid=1 reason=\"CPU quota 1.5\"\n", ""},
		{"a limit of no kind that there is", head + meta + "20 limit pid=1 reason=\"memory 4\"\n",
			`"memory 4" is no limit`},
		{"a limit without a value", head + meta + "20 limit pid=1\n", "limit without reason"},
		{"a limit of a goroutine", head + meta + "20 limit g7 reason=\"GOMAXPROCS 4\"\n", "limit with goid"},
		{"a range without an end", head + meta + "20 range reason=x\n", "range without end_ns"},
		{"a gap that ends before it begins", head + meta + "20 gap end_ns=15 reason=x\n", "ends 5 ns before it begins"},
		{"an event before the recording", head + meta + "5 g7 runnable->running\n", "5 ns before the recording"},
		{"an event after the recording", head + meta + "1005 g7 runnable->running\n", "5 ns after the recording"},
		{"a round", head + meta + "20 round pid=1 end_ns=30 weight=2\n25 snapshot g7 _->waiting pid=1 weight=2\n", ""},
		{"a round without a process", head + meta + "20 round end_ns=30\n", "round without pid"},
		{"a weight outside of rounds", head + meta + "20 round pid=1 end_ns=30\n" +
			"25 snapshot g7 _->waiting pid=2 weight=2\n", "snapshot with a weight, and not in a round"},
		{"a weight after a round", head + meta + "20 round pid=1 end_ns=30\n" +
			"35 snapshot g7 _->waiting pid=1 weight=2\n", "snapshot with a weight, and not in a round"},
		{"a round in another", head + meta + "20 round pid=1 end_ns=30\n25 round pid=1 end_ns=40\n",
			"begins 5 ns before the one before ends"},
		{"losses without a gap", head + strings.Replace(meta, `"start_ns"`, `"lost":3,"start_ns"`, 1),
			"no gap says when"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseText(strings.NewReader(c.trace))
			if err != nil {
				t.Fatal(err)
			}
			problems, err := Validate(context.Background(), m, 0)
			if err != nil {
				t.Fatal(err)
			}
			if (c.want == "") != (len(problems) == 0) {
				t.Fatalf("problems %v, want %q", problems, c.want)
			}
			for _, p := range problems {
				if strings.Contains(p.String(), c.want) {
					return
				}
			}
			if c.want != "" {
				t.Errorf("problems %v, want %q", problems, c.want)
			}
		})
	}
	m := NewMemory(Metadata{})
	m.Append(Event{TimeNS: 5, Kind: 99, From: 98})
	m.Append(Event{TimeNS: 3, From: 98})
	problems, _ := Validate(context.Background(), m, 0)
	var all strings.Builder
	for _, p := range problems {
		all.WriteString(p.String() + "\n")
	}
	for _, want := range []string{"kind 99", "state 98", "2 ns earlier"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("problems do not name %q:\n%s", want, all.String())
		}
	}
}

// FuzzText checks that what is parsed is written and parsed again as the same.
func FuzzText(f *testing.F) {
	f.Add(fixture)
	f.Add("gosched text trace 1\n-5 g-3 _->running tid=7 reason=\"\\xff\\n\" end_ns=1h\n")
	f.Add("gosched text trace 1\nbase 9223372036854775807\n1 range end_ns=1 reason=a=b->c stack=\"a b\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := ParseText(strings.NewReader(s))
		if err != nil {
			return
		}
		var written bytes.Buffer
		if err := WriteText(context.Background(), &written, first, Selection{}); err != nil {
			t.Fatal(err)
		}
		second, err := ParseText(bytes.NewReader(written.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, written.String())
		}
		if !reflect.DeepEqual(first.Meta, second.Meta) {
			t.Errorf("metadata %+v, then %+v", first.Meta, second.Meta)
		}
		compareText(t, text(t, second, Selection{}), written.String())
		for i := range first.Events.TimeNS {
			a, b := first.Events.At(i), second.Events.At(i)
			if first.Reasons().Lookup(a.Reason) != second.Reasons().Lookup(b.Reason) ||
				first.Stacks().Lookup(a.Stack) != second.Stacks().Lookup(b.Stack) ||
				first.Stacks().Lookup(a.ByStack) != second.Stacks().Lookup(b.ByStack) {
				t.Errorf("strings of event %d: %+v, then %+v", i, a, b)
			}
			a.Reason, a.Stack, a.ByStack, b.Reason, b.Stack, b.ByStack = 0, 0, 0, 0, 0, 0
			if a != b {
				t.Errorf("event %d: %+v, then %+v", i, a, b)
			}
		}
	})
}
