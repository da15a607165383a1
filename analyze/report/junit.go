package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// Check is one thing that a gate looked at.
type Check struct {
	Suite   string // the group that it is in; "": that of the file
	Name    string // its name, of which a suite has one
	Outcome Outcome
	Text    string // what was found, and for Skipped why nothing can be said; may be several lines
}

// Outcome is what came of a check.
type Outcome uint8

// The outcomes.
const (
	Passed  Outcome = iota
	Failed          // what the gate stops
	Skipped         // not judged
)

// The elements of a JUnit report, as Jenkins' junit-10.xsd has them. There is no time and no host
// in it: the same checks are the same bytes.
type (
	junitReport struct {
		XMLName  xml.Name      `xml:"testsuites"`
		Name     string        `xml:"name,attr"`
		Tests    int           `xml:"tests,attr"`
		Failures int           `xml:"failures,attr"`
		Errors   int           `xml:"errors,attr"` // the schema lets only suites count what was skipped
		Suites   []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
		Out      string      `xml:"system-out,omitempty"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Skipped *junitSkipped `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// WriteJUnit writes the document's checks as a JUnit report for continuous integration: a suite a
// Check.Suite, in the order of their first checks. Title, lead and warnings are the
// output of the first suite, which is there even if nothing was checked.
func WriteJUnit(w io.Writer, d *Document, suite string) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(junit(d, suite)); err != nil { // replaces what XML cannot hold by U+FFFD
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

func junit(d *Document, suite string) *junitReport {
	r := &junitReport{Name: clean(suite)}
	byName := map[string]*junitSuite{}
	for _, c := range d.Checks {
		name := clean(c.Suite)
		if name == "" {
			name = r.Name
		}
		s := byName[name]
		if s == nil {
			s = &junitSuite{Name: name}
			byName[name], r.Suites = s, append(r.Suites, s)
		}
		s.check(c)
		r.Tests++
		if c.Outcome == Failed {
			r.Failures++
		}
	}
	if len(r.Suites) == 0 {
		r.Suites = []*junitSuite{{Name: r.Name}}
	}
	r.Suites[0].Out = summary(d)
	return r
}

func (s *junitSuite) check(c Check) {
	t := junitCase{Class: s.Name, Name: clean(c.Name)}
	switch c.Outcome {
	case Failed:
		s.Failures++
		t.Failure = &junitFailure{Message: orElse(c.Text, "failed"), Type: "failure", Text: cleanLines(c.Text)}
	case Skipped:
		s.Skipped++
		t.Skipped = &junitSkipped{Message: orElse(c.Text, "not judged")}
	default:
		t.Out = cleanLines(c.Text)
	}
	s.Tests++
	s.Cases = append(s.Cases, t)
}

// orElse is text on one line, or other where there is none.
func orElse(text, other string) string {
	if line := strings.TrimSpace(clean(text)); line != "" {
		return line
	}
	return other
}

// summary is what a document says before its numbers.
func summary(d *Document) string {
	var lines []string
	if d.Title != "" {
		lines = append(lines, d.Title)
	}
	lines = append(lines, d.Lead...)
	for _, warning := range d.Warnings {
		lines = append(lines, "warning: "+warning.Text)
	}
	return cleanLines(strings.Join(lines, "\n"))
}
