package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contrib reads a file of contrib.
func contrib(t *testing.T, name string) string {
	t.Helper()
	return textOf(t, filepath.Join("contrib", name))
}

// takesCommand wants record to take flags, together. It does not run it.
func takesCommand(t *testing.T, args []string) {
	t.Helper()
	if len(args) == 0 || args[0] != "record" {
		t.Fatalf("the command is %q; want record", args)
	}
	opts := new(recordOptions)
	cmd := recordCommand(opts)
	err := cmd.ParseFlags(args[1:])
	if err == nil {
		err = errors.Join(opts.check(cmd.Flags().Changed("pid")), opts.contradictions(cmd.Flags()))
	}
	if err != nil || cmd.Flags().NArg() > 0 {
		t.Errorf("gosched does not take %q: %v", args, err)
	}
}

func TestTheUnitHasWhatCheckGrants(t *testing.T) {
	unit := contrib(t, "systemd/gosched@.service")
	if want := unitLines(granted("record", false)); !strings.Contains(unit, want) {
		t.Errorf("the unit lacks\n%s", want)
	}
	_, rest, _ := strings.Cut(unit, "ExecStart=/usr/bin/gosched ")
	line, _, found := strings.Cut(rest, "\n")
	if !found {
		t.Fatal("the unit starts something else")
	}
	takesCommand(t, strings.Fields(strings.NewReplacer("%i", "1", "%%", "%").Replace(line)))
}

// TestSystemdTakesTheUnit, and finds little that the service could reach.
func TestSystemdTakesTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not here")
	}
	unit := filepath.Join(t.TempDir(), "gosched@1.service")
	text := strings.ReplaceAll(contrib(t, "systemd/gosched@.service"), "/usr/bin/gosched", "/bin/sh")
	_, documented, _ := strings.Cut(text, "Documentation=")
	page, _, _ := strings.Cut(documented, "\n") // is not installed here
	text = strings.Replace(text, "Documentation="+page+"\n", "", 1)
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", unit}, {"security", "--offline=true", "--threshold=20", unit}} {
		if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		} else if args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze says of the unit: %s", out)
		}
	}
}

// TestTheDaemonSetRecords what record takes. Kubernetes' own types are held against it in
// testdata/manifests.
func TestTheDaemonSetRecords(t *testing.T) {
	set := contrib(t, "kubernetes/daemonset.yaml")
	var args []string
	for line := range strings.Lines(set) {
		if arg, found := strings.CutPrefix(line, "            - "); found && !strings.HasPrefix(arg, "{") {
			args = append(args, strings.TrimSpace(arg))
		}
	}
	takesCommand(t, args)
	for _, mounted := range regexp.MustCompile(`mountPath: ([^ }]+)`).FindAllStringSubmatch(set, -1) {
		if !slices.Contains(args, "--output="+mounted[1]+"/") {
			t.Errorf("%s is mounted, and nothing is written there", mounted[1])
		}
	}
}

func TestTheImageIsRunWithWhatCheckGrants(t *testing.T) {
	page := strings.ReplaceAll(contrib(t, "docker/Dockerfile"), " \\\n#    ", "")
	if want := "--cap-drop=all" + each(granted("record", false), " --cap-add="); !strings.Contains(page, want) {
		t.Errorf("the Dockerfile does not say %q", want)
	}
}
