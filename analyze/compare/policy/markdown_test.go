package policy

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/internal/docs"
)

var update = flag.Bool("update", false, "write the tables of CI.md")

const (
	page      = "../../../CI.md"
	madeBegin = "<!-- made from package policy: go test ./analyze/compare/policy -run CIPage -update -->\n"
	madeEnd   = "<!-- end -->\n"
)

func TestTheCIPageIsWhatThePolicySays(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), madeBegin)
	_, after, closed := strings.Cut(rest, madeEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the tables", page)
	}
	docs.Check(t, page, before+madeBegin+docs.Fill(t, "tables.md.tmpl", newTables(t))+madeEnd+after, *update,
		"go test ./analyze/compare/policy -run CIPage -update")
}

// TestTheCIPageSaysWhatToDo of every difference.
func TestTheCIPageSaysWhatToDo(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Not comparable\n")
	for _, d := range Differences {
		if !strings.Contains(section, fmt.Sprintf("| `%s` |", d.Name)) {
			t.Errorf("the page does not say what to do about %s", d.Name)
		}
	}
}

func TestTheCIPageHasTheActionsInputsAndOutputs(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct{ Inputs, Outputs map[string]any }
	if err := yaml.Unmarshal(source, &action); err != nil {
		t.Fatal(err)
	}
	if len(action.Inputs) == 0 || len(action.Outputs) == 0 {
		t.Fatalf("%d inputs, %d outputs", len(action.Inputs), len(action.Outputs))
	}
	for _, names := range []map[string]any{action.Inputs, action.Outputs} {
		for name := range names {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("the page does not say what %s is", name)
			}
		}
	}
}

func TestTheExampleIsAPolicy(t *testing.T) {
	f, err := os.Open("../../../testdata/example/policy/gosched.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Parse(f); err != nil {
		t.Error(err)
	}
}

func TestTheDefaultAsAFileIsTheDefault(t *testing.T) {
	got, err := Parse(strings.NewReader(defaultFile()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("it reads as %+v", got)
	}
}

// tables is what the page's tables are filled in with.
type tables struct {
	Keys        []tableKey
	Alpha       float64
	Metrics     []Gate
	Blocked     Metric
	Statistics  string
	Measures    []tableMeasure
	Rules       any
	Differences any
	Default     string
}

type tableKey struct{ Name, Type, Meaning string }

type tableMeasure struct {
	Name    summary.Measure
	Groups  string
	Example Metric
}

func newTables(t *testing.T) tables {
	out := tables{
		Alpha: DefaultAlpha, Metrics: Default().Metrics, Blocked: Blocked, Statistics: joined(notPercentiles),
		Rules:       Rules,
		Differences: Differences, Default: defaultFile(),
	}
	for _, f := range docs.Fields(t, "file.go", reflect.TypeFor[file](), "yaml") {
		out.Keys = append(out.Keys, tableKey{f.Name, keyType(f.Type), f.Meaning})
	}
	for _, example := range []string{"delay p99 of entry main.worker", "wait p50 of reason sync.Mutex.Lock",
		"syscall p99 of reason read", "running p99 of entry main.worker"} {
		m, err := parseMetric(example)
		if err != nil {
			t.Fatal(err)
		}
		out.Measures = append(out.Measures, tableMeasure{m.Key.Measure, joined(groupings[m.Key.Measure]), m})
	}
	return out
}

func keyType(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "list"
	case reflect.String:
		return "text"
	}
	return "number"
}

// defaultFile is Default as a policy file.
func defaultFile() string {
	var out strings.Builder
	p := Default()
	fmt.Fprintf(&out, "version: 1\nalpha: %g\nsequential: %g\nmetrics:\n", p.Alpha, p.Sequential)
	for _, g := range p.Metrics {
		floor := fmt.Sprint(g.Floor)
		if g.Metric.Stat.IsDuration() {
			floor = g.FloorText()
		}
		fmt.Fprintf(&out, "  - {metric: %s, effect: %g, floor: %s}\n", g.Metric, g.Effect, floor)
	}
	out.WriteString("rules:\n")
	for _, r := range Rules {
		fmt.Fprintf(&out, "  - {rule: %s, gate: %t, floor: %g}\n", r.Name, p.Rules[r.Name].Gate, p.Rules[r.Name].Floor)
	}
	return out.String()
}
