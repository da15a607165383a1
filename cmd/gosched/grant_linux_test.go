package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// granted does what check --grant says, on the file that it names, and gives what that was.
func (u *unprivileged) granted(t *testing.T, name string) grantDocument {
	t.Helper()
	raw, err := exec.Command(u.gosched, "check", "--grant", name, "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc grantDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^sudo setcap ([a-z_,]+)\+ep (\S+)$`).FindStringSubmatch(doc.Setcap)
	if line == nil || line[2] != u.gosched {
		t.Fatalf("the command is %q; want one for %s", doc.Setcap, u.gosched)
	}
	var caps []target.Capability
	for name := range strings.SplitSeq(line[1], ",") {
		for c := range target.Capability(64) {
			if strings.EqualFold(c.String(), name) {
				caps = append(caps, c)
			}
		}
	}
	if !slices.Equal(texts(caps), doc.Capabilities) {
		t.Fatalf("the command gives %v, of %v", caps, doc.Capabilities)
	}
	if err := u.giveFile(caps); err != nil {
		t.Fatal(err)
	}
	if path, err := exec.LookPath("setcap"); err == nil { // as it is said, where there is the program for it
		if out, err := exec.Command(path, line[1]+"+ep", line[2]).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", doc.Setcap, err, out)
		}
	}
	return doc
}

// TestNobodyDoesEverythingWithWhatCheckGrants does what check says to do for each grant, and then
// runs as nobody what the grant is for. A way to use gosched that takes privileges has a row here.
func TestNobodyDoesEverythingWithWhatCheckGrants(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	u.release(t)
	s := startSubjects(t, u.dir)
	rows := []struct {
		grant, name string
		args        []string
	}{
		{"sample", "read one's own process", []string{"goroutines", "-p", s.yours}},
		{"sample", "read another's", []string{"goroutines", "-p", s.strangers}},
		{"sample", "read root's", []string{"goroutines", "-p", s.roots}},
		{"sample", "sample one's own process", []string{"record", "--sample", "50/s", "-d", "200ms", "-p", s.yours}},
		{"sample", "sample another's", []string{"record", "--sample", "50/s", "-d", "200ms", "-p", s.strangers}},
		{"sample", "sample root's", []string{"record", "--sample", "50/s", "-d", "200ms", "-p", s.roots}},
		{"sample", "sample a command", []string{"record", "--sample", "50/s", "-d", "200ms", "--", s.service}},
		{"record", "record another's", []string{"record", "-d", "100ms", "-p", s.strangers}},
		{"record", "record several", []string{"record", "-d", "100ms", "-p", s.roots + "," + s.yours}},
		{"record", "record a command", []string{"record", "-d", "100ms", "--", s.service}},
		{"record", "record into a folder", []string{"record", "-d", "100ms", "-p", s.roots, "-o", u.dir + "/segs/"}},
		{"record", "keep the last seconds of another's",
			[]string{"record", "--keep", "10s", "-d", "300ms", "-p", s.strangers, "-o", u.dir + "/kept/"}},
		{"sample", "keep the last seconds of samples of root's",
			[]string{"record", "--sample", "50/s", "--keep", "10s", "-d", "300ms",
				"-p", s.roots, "-o", u.dir + "/seen/"}},
		{"record", "record root's in windows",
			[]string{"record", "--max-overhead", "1%", "-d", "300ms", "-p", s.roots}},
		{"record", "record another's under a kill switch",
			[]string{"record", "--kill-switch", u.dir + "/off", "-d", "300ms", "-p", s.strangers}},
		{"record", "record those of an executable as they come",
			[]string{"record", "--exe", s.service, "-d", "300ms"}},
		{"record", "keep the last seconds of all of an executable, in windows",
			[]string{"record", "--exe", s.service, "--keep", "10s", "--max-overhead", "1%", "-d", "300ms",
				"-o", u.dir + "/all/"}},
		{"record", "record what a command starts", []string{"record", "--follow", "-d", "300ms", "--", s.service}},
		{"sample", "sample every Go process",
			[]string{"record", "--sample", "10/s", "--all-go", "-d", "300ms"}},
		{"record", "check another's", []string{"check", "-p", s.strangers}},
		{"all", "record a command as another user",
			[]string{"record", "-d", "100ms", "--user", "daemon", "--", s.service}},
		{"all", "record an executable that root alone may read",
			[]string{"record", "-d", "100ms", "-p", s.hiddenOfRoot}},
	}
	for _, name := range grantNames {
		u.granted(t, name)
		for _, row := range rows {
			if row.grant != name {
				continue
			}
			t.Run(name+", "+row.name, func(t *testing.T) {
				args := row.args
				if args[0] == "record" && !slices.Contains(args, "-o") {
					args = slices.Insert(slices.Clone(args), 1, u.output()...)
				}
				if code, text := u.run(nil, args...); code != 0 {
					t.Errorf("it exits with %d: %s", code, text)
				}
			})
		}
	}
}

func TestEachGrantIsMadeOfUses(t *testing.T) {
	if len(grants) != len(grantNames) {
		t.Errorf("there are %d grants and %d names", len(grants), len(grantNames))
	}
	for _, name := range grantNames {
		for _, use := range grants[name] {
			takes(t, use) // fails where there is none
		}
	}
	if got := granted("record", true); !slices.Contains(got, target.CapSysAdmin) {
		t.Errorf("where probes are attached one by one, recording takes %v", got)
	}
	if strings.Contains(securityContext(granted("record", true)), "allowPrivilegeEscalation") {
		t.Error("Kubernetes refuses allowPrivilegeEscalation: false beside CAP_SYS_ADMIN")
	}
}
