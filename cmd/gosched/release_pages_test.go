package main

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// TestReleasePages makes the man pages and the completions of the shells, which are part of a
// release, and checks them with the programs that read them. contrib/release says where to keep
// them: they are made by a test so that the program has no part that only a release needs.
func TestReleasePages(t *testing.T) {
	dir := cmp.Or(os.Getenv("GOSCHED_RELEASE_PAGES"), t.TempDir())
	man := filepath.Join(dir, "man1")
	if err := os.MkdirAll(man, 0o755); err != nil {
		t.Fatal(err)
	}
	date := time.Unix(0, 0).UTC()
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		date = time.Unix(seconds, 0).UTC()
	}
	root := newRootCommand()
	root.DisableAutoGenTag = true
	quoteForMan(root)
	header := &doc.GenManHeader{
		Section: "1", Date: &date, Manual: "User Commands",
		Source: strings.TrimSpace("gosched " + os.Getenv("GOSCHED_RELEASE_VERSION")),
	}
	if err := doc.GenManTree(root, header, man); err != nil {
		t.Fatal(err)
	}
	root = newRootCommand()
	if err := errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(dir, "gosched.bash"), true),
		root.GenZshCompletionFile(filepath.Join(dir, "gosched.zsh")),
		root.GenFishCompletionFile(filepath.Join(dir, "gosched.fish"), true),
	); err != nil {
		t.Fatal(err)
	}
	checkPages(t, man)
	for shell, file := range map[string]string{"bash": "gosched.bash", "zsh": "gosched.zsh", "fish": "gosched.fish"} {
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.Command(path, "-n", filepath.Join(dir, file)).CombinedOutput(); err != nil {
				t.Errorf("%s does not read its completions: %v: %s", shell, err, out)
			}
		}
	}
}

// quoteForMan has the texts of commands, which are laid out for a terminal, be laid out so in man
// pages: GenMan takes them for Markdown, in which four spaces keep a paragraph as it is.
func quoteForMan(cmd *cobra.Command) {
	var kept []string
	for line := range strings.SplitSeq(cmd.Long, "\n") {
		if line != "" {
			line = "    " + line
		}
		kept = append(kept, line)
	}
	cmd.Long = strings.Join(kept, "\n")
	for _, sub := range cmd.Commands() {
		quoteForMan(sub)
	}
}

// checkPages wants a page of every command, and none that man complains about.
func checkPages(t *testing.T, dir string) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("there are %d pages, %v", len(pages), err)
	}
	path, err := exec.LookPath("man")
	if err != nil {
		return
	}
	for _, page := range pages {
		cmd := exec.Command(path, "--warnings", "-E", "UTF-8", "-l", "-Z", "-Tutf8", page)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100")
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		if err := cmd.Run(); err != nil || complaints.Len() > 0 {
			t.Errorf("man says of %s: %v: %s", filepath.Base(page), err, complaints.String())
		}
	}
}

// TestCompletionsAreAskedOfTheProgram: the scripts of the shells do so with a hidden command.
func TestCompletionsAreAskedOfTheProgram(t *testing.T) {
	var out, notes bytes.Buffer
	if code := run(t.Context(), []string{cobra.ShellCompRequestCmd, "lat"}, &out, &notes); code != 0 {
		t.Fatalf("it exits with %d: %s", code, &notes)
	}
	if !strings.HasPrefix(out.String(), "latency\t") {
		t.Errorf("lat is completed to %q", out.String())
	}
}
