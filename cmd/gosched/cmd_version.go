package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

type versionOptions struct {
	json bool
}

func newVersionCommand() *cobra.Command {
	var opts versionOptions
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print gosched's version",
		Example: "  gosched version --json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runVersion(opts, cmd.OutOrStdout())
		},
	}
	jsonFlag(cmd, &opts.json)
	return cmd
}

// versionDocument is what version --json prints.
type versionDocument struct {
	Version int    `json:"version"`
	Gosched string `json:"gosched"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
	Schema  int    `json:"schema"` // of the traces it writes; it reads this one and all before
}

func runVersion(opts versionOptions, out io.Writer) error {
	doc := versionDocument{
		Version: documentVersion,
		Gosched: programVersion(),
		Commit:  cmp.Or(releasedCommit, buildSetting("vcs.revision")),
		Go:      runtime.Version(),
		System:  runtime.GOOS + "/" + runtime.GOARCH,
		Schema:  format.SchemaVersion,
	}
	if opts.json {
		return report.WriteJSON(out, doc)
	}
	_, err := fmt.Fprintf(out, "gosched %s (%s, %s, trace schema %d)\n", doc.Gosched, doc.Go, doc.System, doc.Schema)
	return err
}

// What contrib/release stamps into the programs that are released: their version, and the commit.
var released, releasedCommit string

// programVersion is the release's or the module's version, "devel" for a build from a checkout.
func programVersion() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func buildSetting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == key {
			return setting.Value
		}
	}
	return ""
}
