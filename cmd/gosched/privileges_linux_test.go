package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

const (
	nobody   = 65534
	stranger = 65533
)

// unprivileged runs gosched as nobody, with capabilities that each test chooses.
type unprivileged struct {
	dir     string
	gosched string // this test binary, for nobody to start
	runs    int
}

// newUnprivileged makes a folder that nobody can write to and reach.
func newUnprivileged(t *testing.T) *unprivileged {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root can become another user and give capabilities")
	}
	dir, err := os.MkdirTemp("", "gosched-unprivileged")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	u := &unprivileged{dir: dir, gosched: filepath.Join(dir, "gosched")}
	if err := errors.Join(os.Chmod(dir, 0o777), copyFile("/proc/self/exe", u.gosched, 0o755)); err != nil {
		t.Fatal(err)
	}
	return u
}

func copyFile(from, to string, mode os.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to, content, mode), os.Chmod(to, mode))
}

// giveFile writes capabilities on the file of gosched, as setcap(8) does with "+ep": struct
// vfs_cap_data (Linux v6.18 include/uapi/linux/capability.h).
func (u *unprivileged) giveFile(caps []target.Capability) error {
	if len(caps) == 0 {
		if err := unix.Removexattr(u.gosched, "security.capability"); !errors.Is(err, unix.ENODATA) {
			return err
		}
		return nil
	}
	var bits uint64
	for _, c := range caps {
		bits |= 1 << c
	}
	const revision2, effective = 0x02000000, 1
	raw := binary.LittleEndian.AppendUint32(nil, revision2|effective)
	for _, word := range []uint32{uint32(bits), 0, uint32(bits >> 32), 0} { // permitted and inheritable, twice
		raw = binary.LittleEndian.AppendUint32(raw, word)
	}
	return unix.Setxattr(u.gosched, "security.capability", raw, 0)
}

// run runs gosched as nobody, with what it has from its file, and with ambient capabilities.
func (u *unprivileged) run(ambient []target.Capability, args ...string) (code int, text string) {
	return finish(u.command(ambient, args...))
}

func (u *unprivileged) command(ambient []target.Capability, args ...string) *exec.Cmd {
	cmd := exec.Command(u.gosched, args...)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), asNobody+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	for _, c := range ambient {
		cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, uintptr(c))
	}
	return cmd
}

func finish(cmd *exec.Cmd) (code int, text string) {
	out, err := cmd.CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), string(out)
	}
	if err != nil {
		return -1, err.Error()
	}
	return 0, string(out)
}

// output are arguments that have each recording write a file of its own.
func (u *unprivileged) output() []string {
	u.runs++
	return []string{"-o", filepath.Join(u.dir, fmt.Sprintf("%d.parquet", u.runs))}
}

// serve starts a service as a user and returns its number.
func serve(t *testing.T, path string, uid uint32) string {
	t.Helper()
	cmd := exec.Command(path, "-pingpong=false") // it waits, so as to leave the CPUs to the tests
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := &running{in: in, out: out} // its first answer says that it is at work
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// subjects are what the uses are tried on.
type subjects struct {
	service, hidden             string // executables: for all to read, and for root only
	yours, strangers, roots     string // processes of the first
	hiddenOfRoot, hiddenOfYours string // processes of the second
}

func startSubjects(t *testing.T, dir string) *subjects {
	t.Helper()
	s := &subjects{service: filepath.Join(dir, "service"), hidden: filepath.Join(dir, "hidden")}
	built := testenv.Build(t, testenv.Program{Name: "service"})
	if err := errors.Join(copyFile(built, s.service, 0o755), copyFile(built, s.hidden, 0o711)); err != nil {
		t.Fatal(err)
	}
	s.yours, s.strangers, s.roots = serve(t, s.service, nobody), serve(t, s.service, stranger), serve(t, s.service, 0)
	s.hiddenOfRoot, s.hiddenOfYours = serve(t, s.hidden, 0), serve(t, s.hidden, nobody)
	return s
}

// takes are the capabilities of a row of the table that check prints.
func takes(t *testing.T, what string) []target.Capability {
	t.Helper()
	for _, u := range uses {
		if u.what == what {
			return u.takes
		}
	}
	t.Fatalf("check has no row %q", what)
	return nil
}

// TestEachUseTakesWhatCheckSays tries each use with the capabilities that check names, from
// gosched's file and as ambient ones, and then with all but one of them: then the error has to name
// that one, and no other.
func TestEachUseTakesWhatCheckSays(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	s := startSubjects(t, u.dir)
	record := func(args ...string) func() []string {
		return func() []string { return append(append([]string{"record", "-d", "100ms"}, u.output()...), args...) }
	}
	read := func(args ...string) func() []string {
		return func() []string { return append([]string{"goroutines"}, args...) }
	}
	check := func(pid string) func() []string { return func() []string { return []string{"check", "-p", pid} } }
	inTurns := func() []string {
		return append([]string{"record-ab", "--runs", "1", "--warmup", "0", "--no-compare", "-d", "100ms",
			"--base", s.service, "--head", s.service}, u.output()...)
	}
	hidden := takes(t, "an executable you may not read")
	tests := []struct {
		name, use string
		also      []target.Capability
		args      func() []string
	}{
		{"read your process", "goroutines -p, yours", nil, read("-p", s.yours)},
		{"read another user's", "goroutines -p, another's", nil, read("-p", s.strangers)},
		{"read root's", "goroutines -p, another's", nil, read("-p", s.roots)},
		{"record your process", "record, yours", nil, record("-p", s.yours)},
		{"record a command", "record, yours", nil, record("--", s.service)},
		{"record two commands interleaved", "record, yours", nil, inTurns},
		{"sample your process", "goroutines -p, yours", nil, record("--sample", "20/s", "-p", s.yours)},
		{"sample another user's", "goroutines -p, another's", nil, record("--sample", "20/s", "-p", s.strangers)},
		{"sample a command", "goroutines -p, yours", nil, record("--sample", "20/s", "--", s.service)},
		{"check your process", "record, yours", nil, check(s.yours)},
		{"record another user's", "record -p, another's", nil, record("-p", s.strangers)},
		{"record root's", "record -p, another's", nil, record("-p", s.roots)},
		{"check root's", "record -p, another's", nil, check(s.roots)},
		{"record root's, whose executable root alone may read", "record -p, another's", hidden,
			record("-p", s.hiddenOfRoot)},
		{"record yours, whose executable root alone may read", "record -p, another's", hidden,
			record("-p", s.hiddenOfYours)},
		{"record a command as oneself", "record, yours", nil, record("--user", "nobody", "--", s.service)},
		{"record a command as another user", "record --user USER --", nil, record("--user", "daemon", "--", s.service)},
	}
	ambient := map[string]bool{} // the uses that were tried so, each once
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := slices.Concat(takes(t, test.use), test.also)
			u.works(t, all, test.args)
			if !ambient[test.use] {
				ambient[test.use] = true
				u.worksAmbient(t, all, test.args)
			}
			for i, without := range all {
				u.lacks(t, slices.Delete(slices.Clone(all), i, i+1), without, test.args())
			}
		})
	}
}

// TestAttachingOneByOneSaysWhatItTakes asks for what kernels without uprobe_multi need: the running
// kernel takes CAP_SYS_ADMIN for it, or an old one is content with CAP_PERFMON.
func TestAttachingOneByOneSaysWhatItTakes(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	s := startSubjects(t, u.dir)
	args := func() []string {
		return append([]string{"record", "-d", "100ms", "--fallback", "perf-uprobes", "-p", s.yours}, u.output()...)
	}
	u.works(t, takes(t, "attach one by one (before Linux 6.10)"), args)
	few := takes(t, "record, yours")
	if err := u.giveFile(few); err != nil {
		t.Fatal(err)
	}
	if code, text := u.run(nil, args()...); code == 0 {
		t.Log("this kernel is content with", few)
	} else {
		t.Log(text)
		u.lacks(t, few, target.CapSysAdmin, args())
	}
}

func TestTheReadmeHasTheTableOfPrivileges(t *testing.T) {
	text := textOf(t, "README.md")
	for _, u := range uses {
		takes := "nothing"
		if len(u.takes) > 0 {
			takes = "`" + strings.Join(texts(u.takes), "` `") + "`"
		}
		if row := fmt.Sprintf("| %s | %s |", u.what, takes); !strings.Contains(text, row) {
			t.Errorf("the README has no row %q", row)
		}
	}
}

// works wants a use to work with capabilities of gosched's file.
func (u *unprivileged) works(t *testing.T, caps []target.Capability, args func() []string) {
	t.Helper()
	if err := u.giveFile(caps); err != nil {
		t.Fatal(err)
	}
	if code, text := u.run(nil, args()...); code != 0 {
		t.Errorf("with %v of its file it exits with %d: %s", caps, code, text)
	}
}

// worksAmbient wants a use to work with ambient capabilities.
func (u *unprivileged) worksAmbient(t *testing.T, caps []target.Capability, args func() []string) {
	t.Helper()
	if err := u.giveFile(nil); err != nil {
		t.Fatal(err)
	}
	if code, text := u.run(caps, args()...); code != 0 {
		t.Errorf("with ambient %v it exits with %d: %s", caps, code, text)
	}
}

// saidToLack finds what an error says is missing.
var saidToLack = regexp.MustCompile(`user 65534 lacks (CAP_[A-Z_]+(?:, CAP_[A-Z_]+)*(?: and CAP_[A-Z_]+)?)`)

// lacks wants a use to fail without a capability, and to say that it is that one.
func (u *unprivileged) lacks(t *testing.T, caps []target.Capability, missing target.Capability, args []string) {
	t.Helper()
	if err := u.giveFile(caps); err != nil {
		t.Fatal(err)
	}
	code, text := u.run(nil, args...)
	text = strings.Join(strings.Fields(text), " ")
	if code != exitUnsupported {
		t.Errorf("without %s it exits with %d; want %d: %s", missing, code, exitUnsupported, text)
	}
	said := saidToLack.FindAllStringSubmatch(text, -1)
	if len(said) == 0 {
		t.Errorf("without %s it does not say what is missing: %q", missing, text)
	}
	for _, match := range said {
		if match[1] != missing.String() {
			t.Errorf("without %s it says that %s is missing: %q", missing, match[1], text)
		}
	}
	if want := strings.ToLower(missing.String()); !strings.Contains(text, want) {
		t.Errorf("without %s it advises %q; want %s in it", missing, text, want)
	}
}

// TestNobodyRecordsInAPIDNamespace has gosched be the first process of a PID namespace, where
// finding the root's numbers takes no more than recording does.
func TestNobodyRecordsInAPIDNamespace(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	service := filepath.Join(u.dir, "service")
	if err := copyFile(testenv.Build(t, testenv.Program{Name: "service"}), service, 0o755); err != nil {
		t.Fatal(err)
	}
	few := takes(t, "record, yours")
	for _, ambient := range [][]target.Capability{few, nil} {
		given := few // as those of the file
		if ambient != nil {
			given = nil
		}
		if err := u.giveFile(given); err != nil {
			t.Fatal(err)
		}
		cmd := u.command(ambient, append(append([]string{"record"}, u.output()...), "--", service)...)
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
		if code, text := finish(cmd); code != 0 || !strings.Contains(text, "as the root PID namespace has it") {
			t.Errorf("with %v of its file and ambient %v it exits with %d: %s", given, ambient, code, text)
		}
	}
}

// setcapLine is what a user without capabilities is told to run.
var setcapLine = regexp.MustCompile(`sudo setcap ([a-z_,]+)\+ep (\S+)`)

// TestAUserIsToldAllThatIsMissingAtOnce does once what gosched says, on the file that it names, and
// wants it to work then.
func TestAUserIsToldAllThatIsMissingAtOnce(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	s := startSubjects(t, u.dir)
	for _, test := range []struct {
		name string
		args []string
		use  string
	}{
		{"a process of one's own", []string{"record", "-d", "100ms", "-p", s.yours}, "record, yours"},
		{"another's process", []string{"record", "-d", "100ms", "-p", s.roots}, "record -p, another's"},
		{"a command as another user", []string{"record", "-d", "100ms", "--user", "daemon", "--", s.service},
			"record --user USER --"},
		{"checking another's process", []string{"check", "-p", s.strangers}, "record -p, another's"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := u.giveFile(nil); err != nil {
				t.Fatal(err)
			}
			if test.args[0] == "record" {
				test.args = slices.Insert(test.args, 1, u.output()...)
			}
			_, text := u.run(nil, test.args...)
			text = strings.Join(strings.Fields(text), " ")
			line := setcapLine.FindStringSubmatch(text)
			if line == nil || line[2] != u.gosched || len(setcapLine.FindAllString(text, -1)) != 1 {
				t.Fatalf("it is told to %q in: %s", line, text)
			}
			var caps []target.Capability
			for name := range strings.SplitSeq(line[1], ",") {
				for _, c := range takes(t, test.use) {
					if strings.EqualFold(name, c.String()) {
						caps = append(caps, c)
					}
				}
			}
			u.works(t, caps, func() []string { return test.args })
		})
	}
}

func TestWordsForAShellAreQuoted(t *testing.T) {
	for _, word := range []string{"/usr/bin/gosched", "./my tools/gosched", "it's", "$(rm)", ""} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellQuote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("a shell makes %q of %s: %v", out, shellQuote(word), err)
		}
	}
	if got := shellQuote("/usr/bin/gosched"); got != "/usr/bin/gosched" {
		t.Errorf("a plain path is written %s", got)
	}
}

func TestAdviceIsWhatHelps(t *testing.T) {
	bits := uint64(1)<<target.CapBPF | 1<<target.CapPerfmon
	missing := []target.Capability{target.CapPerfmon}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"a user", &target.PrivilegeError{Missing: missing, Caller: target.Privileges{UID: 7, Bounding: bits}},
			"sudo setcap cap_perfmon+ep " + ownPath()},
		{
			"a user whose program has something already",
			&target.PrivilegeError{Missing: missing, Caller: target.Privileges{UID: 7, Bounding: bits,
				Effective: 1 << target.CapBPF}},
			"sudo setcap cap_perfmon,cap_bpf+ep " + ownPath(),
		},
		{"a container", &target.PrivilegeError{Missing: missing}, "docker run --cap-add=perfmon"},
		{
			"a process that gets nothing new",
			&target.PrivilegeError{Missing: missing, Caller: target.Privileges{Bounding: bits, NoNewPrivs: true}},
			"no_new_privs is set",
		},
		{"a user namespace", &target.PrivilegeError{Caller: target.Privileges{Nested: true}},
			"root of the machine, outside"},
	}
	for _, test := range tests {
		if got := privilegeAdvice(test.err); !strings.Contains(got, test.want) {
			t.Errorf("%s is told to %q; want %q", test.name, got, test.want)
		}
	}
}

// TestRootOfAContainerTakesWhatOthersTake runs gosched as root with a few capabilities, as
// containers do. A process of root has all of them, and is another's.
func TestRootOfAContainerTakesWhatOthersTake(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	s := startSubjects(t, u.dir)
	need := takes(t, "record -p, another's")
	for _, pid := range []string{s.roots, s.strangers} {
		args := append([]string{"record", "-d", "100ms", "-p", pid}, u.output()...)
		if code, text := u.contained(need, args...); code != 0 {
			t.Errorf("with %v it exits with %d: %s", need, code, text)
		}
		for i, missing := range need {
			code, text := u.contained(slices.Delete(slices.Clone(need), i, i+1), append(args, "-f")...)
			short := strings.ToLower(strings.TrimPrefix(missing.String(), "CAP_"))
			want := []string{"user 0 lacks " + missing.String(), "docker run --cap-add=" + short}
			if code != exitUnsupported || !strings.Contains(text, want[0]) || !strings.Contains(text, want[1]) {
				t.Errorf("without %s it exits with %d: %s; want %q", missing, code, text, want)
			}
		}
	}
}

// boundedEnv in the environment has this test binary take all capabilities but those in it out of
// its bounding set, and start gosched.
const boundedEnv = "GOSCHED_TEST_BOUNDED"

func (u *unprivileged) contained(caps []target.Capability, args ...string) (code int, text string) {
	var bits uint64
	for _, c := range caps {
		bits |= 1 << c
	}
	cmd := exec.Command(u.gosched, args...)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), boundedEnv+"="+strconv.FormatUint(bits, 10))
	return finish(cmd)
}

func runIfBounded() error {
	if os.Getenv(boundedEnv) == "" {
		return nil
	}
	bits, err := strconv.ParseUint(os.Getenv(boundedEnv), 10, 64)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // a bounding set is a thread's, and exec takes the calling one's
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if bits>>c&1 == 1 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	if err := errors.Join(os.Unsetenv(boundedEnv), os.Setenv(asNobody, "1")); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// TestAFileWithCapabilitiesStaysClosedToItsUser looks at what finding the kernel's version leaves
// behind: a process of nobody's that has more capabilities than nobody may not be read by nobody.
func TestAFileWithCapabilitiesStaysClosedToItsUser(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	s := startSubjects(t, u.dir)
	if err := u.giveFile(takes(t, "record, yours")); err != nil {
		t.Fatal(err)
	}
	output := u.output()
	cmd := u.command(nil, append([]string{"record", "-p", s.yours}, output...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(output[1] + ".partial"); err == nil {
			break // what it knows of the kernel it knows by now
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not begin to record")
		}
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("its memory belongs to user %d while it records; want root", uid)
	}
	u.lacks(t, nil, target.CapSysPtrace, []string{"goroutines", "-p", strconv.Itoa(cmd.Process.Pid)})
}
