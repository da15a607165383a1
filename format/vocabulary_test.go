package format

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEveryClassOfTransitionsHasWords(t *testing.T) {
	for _, tr := range Transitions() {
		if s := transitionSpecs[tr]; s.name == "" || s.meaning == "" {
			t.Errorf("%d has name %q and meaning %q", tr, s.name, s.meaning)
		}
		if again, ok := ParseTransition(tr.String()); again != tr || !ok {
			t.Errorf("%v is read as %v, %v", tr, again, ok)
		}
	}
	for _, name := range []string{"", "Park", "parks", TransitionNone.String()} {
		if tr, ok := ParseTransition(name); ok {
			t.Errorf("%q is read as %v", name, tr)
		}
	}
}

// TestMissing asks for classes that the coverage of a process mentions and for one that it does
// not.
func TestMissing(t *testing.T) {
	var p Process
	const coverage = `{"coverage":[{"name":"run","covered":true},{"name":"park","covered":true,"why":"in /a only"},` +
		`{"name":"gc","covered":false,"why":"left out"}]}`
	if err := json.Unmarshal([]byte(coverage), &p); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		of      Transition
		why     string
		missing bool
	}{
		{TransitionRun, "", false},
		{TransitionPark, "in /a only", false},
		{TransitionGC, "left out", true},
		{TransitionCreate, "the trace does not mention it", true},
	} {
		if why, missing := p.Missing(test.of); why != test.why || missing != test.missing {
			t.Errorf("%v: missing %v, %q; want %v, %q", test.of, missing, why, test.missing, test.why)
		}
	}
}

func TestClassesThatAreNotKnownAreRefused(t *testing.T) {
	const trace = textHeader + "\n" + `metadata {"processes":[{"pid":1,"coverage":[{"name":"naps","covered":true}]}]}`
	if _, err := ParseText(strings.NewReader(trace)); err == nil || !strings.Contains(err.Error(), `"naps"`) {
		t.Errorf("error %v, want one that names naps", err)
	}
}

// TestCoveredAll takes "covered all" for what the metadata does not mention, in every process.
func TestCoveredAll(t *testing.T) {
	const meta = `metadata {"processes":[{"pid":1,"coverage":[{"name":"gc","covered":false,"why":"so"}]},{"pid":2}]}`
	for _, line := range []string{"", coveredLine} {
		m, err := ParseText(strings.NewReader(textHeader + "\n" + meta + "\n" + line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		first, second := &m.Meta.Processes[0], &m.Meta.Processes[1]
		if why, missing := first.Missing(TransitionGC); !missing || why != "so" {
			t.Errorf("%q: gc of the first is missing: %v, %q", line, missing, why)
		}
		for _, p := range []*Process{first, second} {
			if _, missing := p.Missing(TransitionPark); missing != (line == "") {
				t.Errorf("%q: park of process %d is missing: %v", line, p.PID, missing)
			}
		}
	}
}
