package policy

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the tables of CI.md")

const (
	page      = "../CI.md"
	madeBegin = "<!-- made from package policy: go test ./analyze/compare/policy -run CIPage -update -->\n"
	madeEnd   = "<!-- end -->\n"
)

// keyMeanings says what the keys of a policy are, by name; a dot leads into a list's elements.
var keyMeanings = map[string]string{
	"version":        "The version of the file, 1. It must be there.",
	"alpha":          "The chance of a false alarm that all metrics share, above 0 and at most 0.2.",
	"in_a_row":       "The least effect where the recordings do not alternate, 1 or more.",
	"metrics":        "What decides. If there are any, they replace the usual ones.",
	"metrics.metric": "A metric, as it is named below.",
	"metrics.effect": "The ratio from which on a change counts, above 1. Missing: as usual for the metric, else 1.3.",
	"metrics.floor": "The least difference that counts: a duration such as `100µs`; of `time`, seconds a second " +
		"as a number. Missing: as usual for the metric, else `200µs` or `0.05`.",
	"rules":       "Rules that are applied in another way than usual; those that are not named stay as they are.",
	"rules.rule":  "A rule, as it is named below.",
	"rules.gate":  "Whether it decides; else it is only reported.",
	"rules.floor": "The least that counts, a number in the unit of the rule's usual floor.",
	"ignore": "What is known and let pass for a time. An entry that has expired is a warning and lets " +
		"nothing pass.",
	"ignore.what": "A metric or a rule.",
	"ignore.where": "Of a rule, a part of the function's name; missing: anywhere. A metric has no function: leave " +
		"it out there.",
	"ignore.reason": "Why, for those who read the file later. It must be there.",
	"ignore.until": "The last day on which it holds, such as `2027-01-31`; it is compared with the day of head's " +
		"latest recording, in UTC. It must be there.",
	"allow": "Differences between recordings that may be, as `--allow` names them.",
}

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
	want := before + madeBegin + tables(t) + madeEnd + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("the tables of %s differ from the policy; run: go test ./analyze/compare/policy -run CIPage -update",
			page)
	}
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

// tables are the page's tables of keys, metrics, rules and differences, and the default as a file.
func tables(t *testing.T) string {
	var out bytes.Buffer
	out.WriteString("\nThe keys; any other is refused:\n\n| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &out)
	fmt.Fprintf(&out, "\nMetrics that decide where there is no policy. Worse is what is beyond effect and floor, "+
		"with p below %g:\n\n", DefaultAlpha)
	out.WriteString("| metric | effect | floor |\n|---|---|---|\n")
	for _, g := range Default().Metrics {
		fmt.Fprintf(&out, "| `%s` | %g× | %s |\n", g.Metric, g.Effect, g.FloorText())
	}
	fmt.Fprintf(&out, "\nA metric is `%s`, or `MEASURE STATISTIC`, or `MEASURE STATISTIC of GROUP`. Statistics: %s; "+
		"a rate decides nothing. Measures and groups:\n\n", Blocked, joined(stats))
	out.WriteString("| measure | groups | example |\n|---|---|---|\n")
	for _, example := range []string{"delay p99 of kind main.worker", "wait p50 of reason sync.Mutex.Lock",
		"syscall p99 of reason read", "run p99 of kind main.worker"} {
		m, err := ParseMetric(example)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "| `%s` | %s | `%s` |\n", m.Key.Metric, joined(groupings[m.Key.Metric]), m)
	}
	out.WriteString("\nRules:\n\n| rule | decides | floor | looks for |\n|---|---|---|---|\n")
	for _, r := range Rules {
		fmt.Fprintf(&out, "| `%s` | %s | %g | %s |\n", r.Name, map[bool]string{true: "yes", false: "no"}[r.Limit.Gate],
			r.Limit.Floor, r.Text)
	}
	out.WriteString("\nDifferences that make recordings incomparable:\n\n| difference | recordings have |\n|---|---|\n")
	for _, d := range Differences {
		fmt.Fprintf(&out, "| `%s` | %s |\n", d.Name, d.Text)
	}
	fmt.Fprintf(&out, "\nWhat holds without a file, as a file:\n\n```yaml\n%s```\n\n", defaultFile())
	return out.String()
}

// writeKeys writes the fields of the file; one without a meaning fails the test.
func writeKeys(t *testing.T, out *bytes.Buffer) {
	left := len(keyMeanings)
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, prefix string) {
		for f := range typ.Fields() {
			name := prefix + f.Tag.Get("yaml")
			meaning, ok := keyMeanings[name]
			if !ok {
				t.Errorf("key %s has no meaning here", name)
			}
			left--
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, keyType(f.Type), meaning)
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				walk(f.Type.Elem(), name+".")
			}
		}
	}
	walk(reflect.TypeFor[file](), "")
	if left != 0 {
		t.Errorf("%d keys are described that a policy does not have", left)
	}
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
	fmt.Fprintf(&out, "version: 1\nalpha: %g\nin_a_row: %g\nmetrics:\n", p.Alpha, p.InARow)
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
