package main

import (
	"errors"
	"testing"
)

// TestFlagsThatContradictKeepingAreRefused has each pair with its sentence.
func TestFlagsThatContradictKeepingAreRefused(t *testing.T) {
	const only = " is for --keep, with which only the last part of a recording is kept"
	const rounds = ": with --sample no delay and no finding is seen, so it would never hold; with --sample there " +
		"are rules about goroutines and exit"
	keep := []string{"--keep", "10s", "-o", "kept"}
	for _, test := range []struct {
		name string
		args []string
		err  string
	}{
		{"keeping", keep, ""},
		{"keeping with all", append(keep,
			"--keep-bytes", "1GB", "--after", "1s", "--trigger", "exit",
			"--trigger-limit", "1/h", "--trigger-distance", "0s", "--retain", "3", "--retain-bytes", "1GB",
			"--retain-age", "24h",
			"--control", "none"), ""},
		{"keep-bytes alone", []string{"--keep-bytes", "1GB"}, "--keep-bytes" + only},
		{"after alone", []string{"--after", "1s"}, "--after" + only},
		{"trigger alone", []string{"--trigger", "exit"}, "--trigger" + only},
		{"trigger-limit alone", []string{"--trigger-limit", "1/h"}, "--trigger-limit" + only},
		{"trigger-distance alone", []string{"--trigger-distance", "1s"}, "--trigger-distance" + only},
		{"retain alone", []string{"--retain", "1"}, "--retain" + only},
		{"retain-bytes alone", []string{"--retain-bytes", "1GB"}, "--retain-bytes" + only},
		{"retain-age alone", []string{"--retain-age", "1h"}, "--retain-age" + only},
		{"control alone", []string{"--control", "none"}, "--control" + only},
		{"no folder", []string{"--keep", "10s"}, "--keep needs a folder of its own: name one with -o DIR"},
		{"a file", []string{"--keep", "10s", "-o", "t.parquet"}, "--keep keeps segments in a folder, and t.parquet " +
			"is a file's name: name a folder with -o DIR"},
		{"force", append(keep, "--force"), "either --keep or --force, not both: what is kept overwrites nothing"},
		{"nothing is kept", []string{"--keep", "0s", "-o", "kept"}, "-1ns cannot be kept: between 1s and 24h0m0s can"},
		{"too long", []string{"--keep", "48h", "-o", "kept"}, "48h0m0s cannot be kept: between 1s and 24h0m0s can"},
		{"a delay in rounds", append(keep, "--sample", "20/s", "--trigger", "p99-delay>20ms for 5s"),
			"rule \"p99-delay>20ms for 5s\"" + rounds},
		{"a finding in rounds", append(keep, "--sample", "20/s", "--trigger", "finding:serial-section>=40%"),
			"rule \"finding:serial-section>=40%\"" + rounds},
		{"what rounds see", append(keep, "--sample", "20/s", "--trigger", "goroutines>10", "--trigger", "exit"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opts recordOptions
			flags := recordCommand(&opts).Flags()
			if err := flags.Parse(test.args); err != nil {
				t.Fatal(err)
			}
			err := errors.Join(opts.contradictions(flags))
			switch {
			case err == nil && test.err != "":
				t.Errorf("it is taken; want %q", test.err)
			case err != nil && err.Error() != test.err:
				t.Errorf("the error is %q; want %q", err, test.err)
			}
		})
	}
}
