package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosched/gosched/analyze/compare"
	"github.com/gosched/gosched/analyze/report"
)

// reportFormats are the files that a comparison can be written to, by their extensions.
var reportFormats = []struct {
	extension, what string
	write           func(io.Writer, *compare.Result, *report.Document) error
}{
	{".txt", "what the terminal shows",
		func(w io.Writer, _ *compare.Result, d *report.Document) error {
			return report.WriteText(w, d, textOptions(w))
		}},
	{".md", "Markdown, as for the summary of a GitHub job",
		func(w io.Writer, _ *compare.Result, d *report.Document) error { return report.WriteMarkdown(w, d) }},
	{".html", "a page that stands by itself",
		func(w io.Writer, _ *compare.Result, d *report.Document) error { return report.WriteHTML(w, d) }},
	{".xml", "JUnit's XML, a test case for each metric and rule",
		func(w io.Writer, _ *compare.Result, d *report.Document) error {
			return report.WriteJUnit(w, d, "gosched compare")
		}},
	{".json", "the document of --json",
		func(w io.Writer, r *compare.Result, _ *report.Document) error { return report.WriteJSON(w, r) }},
	{".env", "NAME=value lines for scripts: GOSCHED_VERDICT=not worse",
		func(w io.Writer, r *compare.Result, _ *report.Document) error { return writeVariables(w, r) }},
}

// writeVariables writes what a script asks of a comparison, unquoted.
func writeVariables(w io.Writer, r *compare.Result) error {
	metrics, found := r.Worse()
	for _, v := range []struct {
		name  string
		value any
	}{
		{"VERDICT", r.Verdict}, {"EXIT_CODE", exitCode(verdictError(r.Verdict))}, {"METRICS_WORSE", metrics},
		{"RULES_WORSE", found},
	} {
		if _, err := fmt.Fprintf(w, "GOSCHED_%s=%v\n", v.name, v.value); err != nil {
			return err
		}
	}
	return nil
}

// checkReport says whether there is a format for the file's extension.
func checkReport(path string) error {
	var names []string
	for _, f := range reportFormats {
		if filepath.Ext(path) == f.extension {
			return nil
		}
		names = append(names, f.extension)
	}
	return fmt.Errorf("there is no report for the name %q: it ends in one of %s", path, strings.Join(names, ", "))
}

// writeReports writes a comparison to files, by options that were checked.
func writeReports(paths []string, result *compare.Result, document *report.Document) error {
	var errs []error
	for _, path := range paths {
		for _, f := range reportFormats {
			if filepath.Ext(path) == f.extension {
				var text bytes.Buffer
				errs = append(errs, f.write(&text, result, document), os.WriteFile(path, text.Bytes(), 0o644))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func reportList() string {
	var b strings.Builder
	for _, f := range reportFormats {
		fmt.Fprintf(&b, "  %-6s %s\n", f.extension, f.what)
	}
	return b.String()
}
