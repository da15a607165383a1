// Offsetgen writes the table of the Go runtime's struct offsets: it builds an empty program with the first and
// the newest patch release of each Go minor version, for each architecture, and reads the programs' DWARF.
// It downloads toolchains as the go command does. Its output depends on the list of releases alone.
package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/offsets"
)

// releases is the one place that says which versions are covered.
var releases = []offsets.Release{
	{Minor: 18, First: "go1.18", Last: "go1.18.10"},
	{Minor: 19, First: "go1.19", Last: "go1.19.13"},
	{Minor: 20, First: "go1.20", Last: "go1.20.14"},
	{Minor: 21, First: "go1.21.0", Last: "go1.21.13"},
	{Minor: 22, First: "go1.22.0", Last: "go1.22.12"},
	{Minor: 23, First: "go1.23.0", Last: "go1.23.12"},
	{Minor: 24, First: "go1.24.0", Last: "go1.24.13"},
	{Minor: 25, First: "go1.25.0", Last: "go1.25.14"},
	{Minor: 26, First: "go1.26.0", Last: "go1.26.8"},
	{Minor: 27, First: "go1.27.0", Last: "go1.27.4"},
}

// experiments are GOEXPERIMENT values with which programs are deployed. Whether a version knows one, and whether it
// changes anything here, is found out by building.
var experiments = []string{
	"aliastypeparams", "arenas", "boringcrypto", "cgocheck2", "coverageredesign", "fieldtrack", "goroutineleakprofile", "greenteagc",
	"jsonv2", "loopvar", "noaliastypeparams", "noallocheaders", "nodwarf5", "nogreenteagc", "norandomizedheapbase64", "nospinbitmutex",
	"noswissmap", "rangefunc", "runtimefreegc", "runtimesecret", "simd", "synctest",
}

var arches = []string{"amd64", "arm64"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("offsetgen: ")
	out := flag.String("o", "internal/offsets/table.go", "file to write")
	flag.Parse()
	dir, err := os.MkdirTemp("", "offsetgen")
	if err != nil {
		log.Fatal(err)
	}
	err = run(dir, *out)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

// run makes the table in a scratch directory and writes it to out.
func run(dir, out string) error {
	files := map[string]string{"go.mod": "module empty\n\ngo 1.18\n", "main.go": "package main\n\nfunc main() {}\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	var sets []offsets.Set
	for _, r := range releases {
		s, err := release(dir, r)
		if err != nil {
			return err
		}
		sets = append(sets, s)
	}
	alike, err := tryExperiments(dir, sets)
	if err != nil {
		return err
	}
	src, err := format.Source(render(sets, alike))
	if err != nil {
		return err
	}
	return os.WriteFile(out, src, 0o644)
}

// release reads one minor version's numbers and checks that they are the same in its first and newest patch, on every architecture.
func release(dir string, r offsets.Release) (offsets.Set, error) {
	var all offsets.Set
	for _, toolchain := range []string{r.Last, r.First} {
		for _, arch := range arches {
			log.Print(toolchain, " ", arch)
			s, err := read(dir, toolchain, arch, "")
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", toolchain, arch, err)
			}
			if all == nil {
				all = s
			}
			if err := merge(all, s); err != nil {
				return nil, fmt.Errorf("%s %s against %s %s: %w", toolchain, arch, r.Last, arches[0], err)
			}
		}
	}
	return all, nil
}

// merge compares s with all. What is known to drift inside minor versions is marked as not known.
func merge(all, s offsets.Set) error {
	for _, k := range offsets.Keys {
		if all[k.Name] == s[k.Name] {
			continue
		}
		if !k.MayDrift {
			return fmt.Errorf("%s is %d here and %d there: the table needs a column for each", k.Name, s[k.Name], all[k.Name])
		}
		all[k.Name] = offsets.Drifts
	}
	return nil
}

var errNoExperiment = errors.New("unknown experiment")

// tryExperiments finds the minor versions in which an experiment leaves everything as it is.
func tryExperiments(dir string, sets []offsets.Set) (map[string][]int, error) {
	alike := map[string][]int{}
	for _, x := range experiments {
		for i, r := range releases {
			s, err := read(dir, r.Last, arches[0], x)
			if errors.Is(err, errNoExperiment) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s with %s: %w", r.Last, x, err)
			}
			if diff := differs(sets[i], s); diff != "" {
				log.Printf("%s: %s differs with %s", r.Last, diff, x)
				continue
			}
			alike[x] = append(alike[x], r.Minor)
		}
		log.Print(x, " ", alike[x])
	}
	return alike, nil
}

// differs returns a key that differs, empty if none does.
func differs(a, b offsets.Set) string {
	for _, k := range offsets.Keys {
		if a[k.Name] != b[k.Name] && a[k.Name] != offsets.Drifts {
			return k.Name
		}
	}
	return ""
}

// read builds the program with a toolchain and reads its DWARF.
func read(dir, toolchain, arch, experiment string) (offsets.Set, error) {
	bin := filepath.Join(dir, "empty")
	cmd := exec.Command("go", "build", "-o", bin, "main.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT="+experiment)
	if msg, err := cmd.CombinedOutput(); bytes.Contains(msg, []byte("unknown GOEXPERIMENT")) {
		return nil, errNoExperiment
	} else if err != nil {
		return nil, fmt.Errorf("build: %w: %s", err, msg)
	}
	f, err := elf.Open(bin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return offsets.FromELF(f)
}

// render writes the table as Go source.
func render(sets []offsets.Set, alike map[string][]int) []byte {
	var b bytes.Buffer
	b.WriteString("// Code generated by offsetgen; DO NOT EDIT.\n\npackage offsets\n\n")
	b.WriteString("// Releases are the versions that the table is about.\nvar Releases = []Release{\n")
	for _, r := range releases {
		fmt.Fprintf(&b, "{%d, %q, %q},\n", r.Minor, r.First, r.Last)
	}
	b.WriteString("}\n\n// table has a row for each of Keys and a column for each of Releases. It holds for " + strings.Join(arches, " and ") + ".\n")
	b.WriteString("var table = [][]int16{\n")
	for _, k := range offsets.Keys {
		b.WriteString("{")
		for i, s := range sets {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%d", s[k.Name])
		}
		fmt.Fprintf(&b, "}, // %s\n", k.Name)
	}
	b.WriteString("}\n\n// Experiments are the GOEXPERIMENT values that change nothing of this, with the minor versions that were built with them.\n")
	b.WriteString("var Experiments = map[string][]int{\n")
	for _, x := range experiments {
		if len(alike[x]) > 0 {
			fmt.Fprintf(&b, "%q: {%s},\n", x, strings.Trim(strings.ReplaceAll(fmt.Sprint(alike[x]), " ", ", "), "[]"))
		}
	}
	b.WriteString("}\n")
	return b.Bytes()
}
