package choose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// made is a process of a made-up /proc.
type made struct {
	pid, parent int
	comm, exe   string
	cgroup      string // the file's text
	state       string
	flags       int
	started     int
}

// makeProc makes the tree. A process without an exe is one that may not be looked at, or a thread
// of the kernel's.
func makeProc(t *testing.T, all ...made) string {
	t.Helper()
	root := t.TempDir()
	for _, m := range all {
		dir := filepath.Join(root, strconv.Itoa(m.pid))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if m.state == "" {
			m.state = "S"
		}
		stat := fmt.Sprintf("%d (%s) %s %d 0 0 0 0 %d 0 0 0 0 0 0 0 0 20 0 5 0 %d 0 0", m.pid, m.comm, m.state,
			m.parent, m.flags, m.started)
		for name, text := range map[string]string{"stat": stat, "cgroup": m.cgroup} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(m.exe, filepath.Join(dir, "exe")); err != nil && m.exe != "" {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"self", "sys", "12x"} {
		if err := os.Mkdir(filepath.Join(root, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var id = strings.Repeat("0123456789abcdef", 4)

// machine has two containers of one image, a service, a shell with children, and what is no process.
func machine(t *testing.T) string {
	other := strings.Repeat("f", 64)
	return makeProc(t,
		made{pid: 1, comm: "systemd", exe: "/usr/lib/systemd/systemd", cgroup: "0::/init.scope\n"},
		made{pid: 2, comm: "kthreadd", flags: kernelThread, cgroup: "0::/\n"},
		made{pid: 10, parent: 1, comm: "api", exe: "/app/api", cgroup: "0::/system.slice/docker-" + id + ".scope\n"},
		made{pid: 11, parent: 1, comm: "api", exe: "/app/api (deleted)",
			cgroup: "5:cpu,cpuacct:/docker/" + other + "\n1:name=systemd:/docker/" + other + "\n0::/\n"},
		made{pid: 20, parent: 1, comm: "a (odd) name", exe: "/memfd:x (deleted)",
			cgroup: "0::/system.slice/api.service/worker\n"},
		made{pid: 21, parent: 1, comm: "api2", exe: "/opt/api2", cgroup: "0::/system.slice/api.service2\n"},
		made{pid: 30, parent: 1, comm: "sh", exe: "/bin/sh", cgroup: "0::/user.slice\n"},
		made{pid: 31, parent: 30, comm: "go", exe: "/usr/local/go/bin/go", cgroup: "0::/user.slice\n"},
		made{pid: 32, parent: 31, comm: "very-long-name-", exe: "/tmp/very-long-name-of.test",
			cgroup: "0::/user.slice\n"},
		made{pid: 33, parent: 31, comm: "zombie", exe: "/bin/z", state: "Z", cgroup: "0::/\n"},
		made{pid: 40, parent: 99, comm: "orphan", exe: "/bin/orphan", cgroup: "0::/\n"},
	)
}

func TestRulesPickProcesses(t *testing.T) {
	root := machine(t)
	for _, test := range []struct {
		name  string
		rules Rules
		want  []int
		how   string
	}{
		{"every process", Rules{}, []int{1, 10, 11, 20, 21, 30, 31, 32, 40}, ByAll},
		{"a cgroup with those below it", Rules{Cgroups: []string{"/system.slice/api.service"}}, []int{20}, ByCgroup},
		{"a cgroup's parent", Rules{Cgroups: []string{"system.slice/"}}, []int{10, 20, 21}, ByCgroup},
		{"a cgroup of version 1", Rules{Cgroups: []string{"/docker"}}, []int{11}, ByCgroup},
		{"a cgroup that is not there", Rules{Cgroups: []string{"/system"}}, nil, ""},
		{"a container by its whole id", Rules{Containers: []string{id}}, []int{10}, ByContainer},
		{"a container by how its id begins", Rules{Containers: []string{"fff"}}, []int{11}, ByContainer},
		{"one of two containers", Rules{Containers: []string{"fff", "012"}}, []int{10, 11}, ByContainer},
		{"a name", Rules{Comms: []string{"api"}}, []int{10, 11}, ByComm},
		{"a glob of names", Rules{Comms: []string{"api*"}}, []int{10, 11, 21}, ByComm},
		{"a name with what may mean something else", Rules{Comms: []string{"a (odd) name"}}, []int{20}, ByComm},
		{"a name longer than the kernel keeps", Rules{Comms: []string{"very-long-name-of.test"}}, []int{32}, ByComm},
		{"an executable's name", Rules{Exes: []string{"api"}}, []int{10, 11}, ByExe},
		{"an executable's path", Rules{Exes: []string{"/opt/*"}}, []int{21}, ByExe},
		{"an executable in memory", Rules{Exes: []string{"memfd:*"}}, []int{20}, ByExe},
		{"a process's descendants", Rules{Under: 30}, []int{30, 31, 32}, ByFollow},
		{"two kinds at once", Rules{Under: 30, Exes: []string{"*.test"}}, []int{32}, ByFollow + "," + ByExe},
		{"all but some", Rules{Comms: []string{"api*"}, Except: []int{11}}, []int{10, 21}, ByComm},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.rules.Check(); err != nil {
				t.Fatal(err)
			}
			w := NewWatch(root, &test.rules)
			found, err := w.Poll()
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, f := range found {
				got = append(got, f.PID)
				if f.How != test.how {
					t.Errorf("%d was picked by %q; want %q", f.PID, f.How, test.how)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("picked %v; want %v", got, test.want)
			}
		})
	}
}

func TestRulesThatMeanNothingAreRefused(t *testing.T) {
	for want, r := range map[string]Rules{
		`"[" is no pattern`:             {Comms: []string{"["}},
		`"" is no pattern`:              {Exes: []string{""}},
		"every process is in the cgrou": {Cgroups: []string{"/"}},
		`"api" is no container's id`:    {Containers: []string{"api"}},
	} {
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", r, err, want)
		}
	}
}

func TestAProcessIsPickedOnce(t *testing.T) {
	root := machine(t)
	w := NewWatch(root, &Rules{Comms: []string{"api"}})
	first, err := w.Poll()
	if err != nil || len(first) != 2 {
		t.Fatalf("%v: %v", first, err)
	}
	again, err := w.Poll()
	if err != nil || len(again) != 0 {
		t.Errorf("picked again: %v, %v", again, err)
	}
	if f, ok := w.Look(10); ok {
		t.Errorf("picked again: %+v", f)
	}
}

// TestANumberThatIsTakenAgainIsAnotherProcess has a process of the same number with another start.
func TestANumberThatIsTakenAgainIsAnotherProcess(t *testing.T) {
	rules := &Rules{Comms: []string{"api"}}
	root := makeProc(t, made{pid: 10, comm: "api", exe: "/a", started: 5})
	w := NewWatch(root, rules)
	if found, err := w.Poll(); err != nil || len(found) != 1 {
		t.Fatalf("%v: %v", found, err)
	}
	later := makeProc(t, made{pid: 10, comm: "api", exe: "/a", started: 6})
	if err := os.Rename(later+"/10/stat", root+"/10/stat"); err != nil {
		t.Fatal(err)
	}
	if found, err := w.Poll(); err != nil || len(found) != 1 || found[0].Started != 6 {
		t.Errorf("found %v: %v", found, err)
	}
}

// TestAProcessThatChangesIsPickedThen has a process that execs another program, or is moved to a
// cgroup, after it was first seen.
func TestAProcessThatChangesIsPickedThen(t *testing.T) {
	root := makeProc(t, made{pid: 10, comm: "sh", exe: "/bin/sh", cgroup: "0::/x\n"})
	w := NewWatch(root, &Rules{Cgroups: []string{"/api"}})
	if found, err := w.Poll(); err != nil || len(found) != 0 {
		t.Fatalf("%v: %v", found, err)
	}
	if err := os.WriteFile(root+"/10/cgroup", []byte("0::/api\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := w.Poll(); err != nil || len(found) != 0 {
		t.Fatalf("what is known is not read each time, but %v: %v", found, err)
	}
	if _, ok := w.Told(10, 0); !ok { // an event says that it has changed
		t.Error("it was not picked")
	}
	if err := os.WriteFile(root+"/10/cgroup", []byte("0::/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w = NewWatch(root, &Rules{Cgroups: []string{"/api"}})
	if found, err := w.Poll(); err != nil || len(found) != 0 {
		t.Fatalf("%v: %v", found, err)
	}
	if err := os.WriteFile(root+"/10/cgroup", []byte("0::/api\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	picked := 0
	for range rereadEvery {
		found, err := w.Poll()
		if err != nil {
			t.Fatal(err)
		}
		picked += len(found)
	}
	if picked != 1 {
		t.Errorf("picked %d times", picked)
	}
}

func TestAShortContainerIDStaysWithItsFirstContainer(t *testing.T) {
	a, b := "aa"+strings.Repeat("0", 62), "aa"+strings.Repeat("1", 62)
	both := makeProc(t, made{pid: 10, comm: "a", exe: "/a", cgroup: "0::/docker/" + a},
		made{pid: 11, comm: "b", exe: "/b", cgroup: "0::/docker/" + b})
	w := NewWatch(both, &Rules{Containers: []string{"aa"}})
	if _, err := w.Poll(); !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), a[:12]) {
		t.Errorf("with two such containers: %v", err)
	}
	one := makeProc(t, made{pid: 10, comm: "a", exe: "/a", cgroup: "0::/docker/" + a})
	w = NewWatch(one, &Rules{Containers: []string{"aa"}})
	if found, err := w.Poll(); err != nil || len(found) != 1 {
		t.Fatalf("%v: %v", found, err)
	}
	if err := os.Rename(both+"/11", one+"/11"); err != nil {
		t.Fatal(err)
	}
	if found, err := w.Poll(); err != nil || len(found) != 0 {
		t.Errorf("a container that came later was picked too: %v, %v", found, err)
	}
}

func TestACgroupsFolderIsItsPath(t *testing.T) {
	const mounts = `30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:28 /inner /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`
	for given, want := range map[string]string{
		"/sys/fs/cgroup/cpu/a/b":       "/a/b",
		"/sys/fs/cgroup/unified/x/":    "/inner/x",
		"system.slice/api.service":     "/system.slice/api.service",
		"/sys/fs/cgroup/cpu":           "/",
		"/sys/fs/cgroup/cpuacct/a":     "/sys/fs/cgroup/cpuacct/a",
		"/sys/fs/cgroup/unified/../..": "/sys/fs",
	} {
		if got := CgroupPath(given, mounts); got != want {
			t.Errorf("%s: %s; want %s", given, got, want)
		}
	}
}

func TestTheProcessItselfIsRead(t *testing.T) {
	r := NewReader("/proc", &Rules{Under: os.Getppid()})
	pids, err := r.PIDs()
	if err != nil || !slices.Contains(pids, os.Getpid()) {
		t.Fatalf("the processes are %v: %v", pids, err)
	}
	p, err := r.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if p.PID != os.Getpid() || p.Parent != os.Getppid() || p.Exe != exe || p.Started == 0 || !p.Under {
		t.Errorf("%+v; want parent %d, %s", p, os.Getppid(), exe)
	}
}

func FuzzStat(f *testing.F) {
	f.Add("10 (a) b) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 20 0 5 0 7 0 0")
	f.Add("10 (")
	f.Fuzz(func(t *testing.T, line string) {
		p, err := parseStat(line)
		if (p == nil) == (err == nil) || err == nil && p.PID <= 0 {
			t.Errorf("%q: %+v, %v", line, p, err)
		}
	})
}

func FuzzCgroups(f *testing.F) {
	f.Add("5:cpu,cpuacct:/docker/x\n0::/a:b\n", "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")
	f.Fuzz(func(t *testing.T, cgroups, mounts string) {
		for _, c := range parseCgroups(cgroups) {
			if !strings.HasPrefix(c.Path, "/") || !strings.HasPrefix(CgroupPath(c.Path, mounts), "/") {
				t.Errorf("%q: %+v", cgroups, c)
			}
		}
	})
}

// TestGone tells of a process that has ended before anybody looked.
func TestGone(t *testing.T) {
	root := t.TempDir()
	for _, c := range []struct {
		rules  Rules
		parent int
		gone   bool
	}{
		{Rules{}, 1, true},
		{Rules{Under: 7}, 7, true},
		{Rules{Under: 7}, 8, false},
		{Rules{Exes: []string{"api"}}, 7, false}, // nobody knows what it was
	} {
		w := NewWatch(root, &c.rules)
		if _, ok := w.Told(10, c.parent); ok || w.Gone(10) != c.gone {
			t.Errorf("%+v, child of %d: picked is %v, gone not %v", c.rules, c.parent, ok, c.gone)
		}
	}
}
