package main

import (
	"path/filepath"
	"strings"

	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/confine"
)

// needs are what the command still does once everything is watched.
func (o *recordOptions) needs() *confine.Needs {
	folder := o.output
	if !strings.HasSuffix(folder, "/") && o.flight.keep == 0 {
		folder = filepath.Dir(folder)
	}
	return &confine.Needs{Signals: o.user != "", HandOver: output.HandsOver(), Folder: folder}
}

// confinedText says what the recorder could not give up; "" where there is nothing of that kind.
func confinedText(c *format.Confined) string {
	if c == nil || len(c.Not) == 0 {
		return ""
	}
	return "not given up once everything was watched: " + strings.Join(c.Not, "; ")
}
