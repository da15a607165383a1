package blocking_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// TestDiagnosis records programs with one known cause for most of the waiting, and programs that
// look alike and are well, and reads the verdict as a person would: the first sentence must name the
// cause, or nothing must be blamed.
//
// Once, on the machine as it is, a case may be recorded several times until it is right: other
// processes disturb it. With GOSCHED_DIAGNOSE_ROUNDS each case is recorded so many times under
// each condition, every one of them must be right, and GOSCHED_DIAGNOSE_REPORT is a file for the
// table.
func TestDiagnosis(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("GOSCHED_DIAGNOSE_ROUNDS"))
	if rounds == 0 && os.Getenv("GOSCHED_REQUIRE_BPF") != "1" {
		t.Skip("it takes five minutes: GOSCHED_REQUIRE_BPF=1 has it run")
	}
	program := testenv.Build(t, testenv.Program{Name: "diagnose"})
	var scores diagnoseScores
	t.Cleanup(func() { scores.write(t) })
	for _, c := range conditions {
		if rounds == 0 && c.saturated {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if !c.goTrace {
				testenv.RequireBPF(t)
			}
			if c.saturated {
				saturate(t, program)
			}
			for i := range diagnoses {
				d := &diagnoses[i]
				if !c.goTrace || d.unknown == "" {
					scores.judge(t, c, rounds, &subject{program, d.name, d.env, d.quotaUS, d.rule, true}, d.wrong)
				}
			}
			for i := range lookalikes {
				a := &lookalikes[i]
				if !c.goTrace || rounds > 0 && a.quotaUS == "" {
					scores.judge(t, c, rounds, &subject{program, a.name, a.env, a.quotaUS, a.like, false}, a.wrong)
				}
			}
		})
	}
}

// condition is how recordings are made.
type condition struct {
	name               string
	goTrace, saturated bool
}

var conditions = []condition{
	{"eBPF", false, false},
	{"Go trace", true, false},
	{"eBPF, saturated", false, true},
	{"Go trace, saturated", true, true},
}

// saturate has other processes want all CPUs until the test ends.
func saturate(t *testing.T, program string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "stress")
	if err := os.Symlink(program, other); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		testenv.Start(t, exec.Command(other, "-case", "child-busy"))
	}
}

// subject is a case to be recorded.
type subject struct {
	program, name, env, quotaUS string
	rule                        string
	planted                     bool
}

// reply is what gosched blocking --json says first.
type reply struct {
	Verdict  []string `json:"verdict"`
	Findings []struct {
		Name     string `json:"name"`
		Sentence string `json:"sentence"`
	} `json:"findings"`
}

// rule is the rule that a sentence of the verdict comes from; root-cause where it is none.
func (a *reply) rule(sentence string) string {
	for _, f := range a.Findings {
		if f.Sentence == sentence {
			return f.Name
		}
	}
	return "root-cause"
}

// wrong says what the verdict does not say of the cause; empty where it is right.
func (d *diagnosis) wrong(c condition, a *reply) string {
	if d.noted != "" {
		for _, f := range a.Findings {
			if f.Name == d.noted {
				return ""
			}
		}
		return "no finding is " + d.noted
	}
	if len(a.Verdict) == 0 {
		return "there is no verdict"
	}
	says := d.says
	if c.goTrace && d.goSays != nil {
		says = d.goSays
	}
	for _, pattern := range says {
		if !regexp.MustCompile(pattern).MatchString(a.Verdict[0]) {
			return "the first sentence does not say " + pattern
		}
	}
	return ""
}

// wrong says what is blamed though nothing is wrong.
func (l *alike) wrong(c condition, a *reply) string {
	for _, sentence := range a.Verdict {
		if !told.MatchString(sentence) {
			continue // little is blocked, or nothing explains much
		}
		rule := a.rule(sentence)
		if !slices.Contains(l.may, rule) && !slices.Contains(harmless, rule) {
			return "the verdict blames: " + rule
		}
	}
	return ""
}

// told is a sentence that explains blocked time.
var told = regexp.MustCompile(`^\d+(\.\d+)?% of blocked time: `)

// harmless is what may be said of any program: what the machine beside it does, and the wake-ups
// that everything begins with.
var harmless = []string{"cpu-contention", "root-cause"}

// diagnoseAttempts are how often a case may be recorded where the machine is as it is.
const diagnoseAttempts = 3

// diagnoseScores are how many recordings were right.
type diagnoseScores struct {
	rows  []diagnoseRow
	wrong []string
}

type diagnoseRow struct {
	subject *subject
	right   map[string]string // by condition
}

// judge records a case and reads its verdict.
func (s *diagnoseScores) judge(t *testing.T, c condition, rounds int, sub *subject,
	wrong func(condition, *reply) string) {
	name := sub.name
	if !sub.planted && sub.quotaUS != "" {
		name += " that is large"
	}
	t.Run(name, func(t *testing.T) {
		n, right := cmp.Or(rounds, diagnoseAttempts), 0
		for i := 0; i < n && (rounds > 0 || right == 0); i++ {
			a := sub.answer(t, c)
			why := wrong(c, a)
			if why == "" {
				right++
				continue
			}
			text := fmt.Sprintf("%s, %s: %s\n", name, c.name, why)
			for _, sentence := range a.Verdict {
				text += "  [" + a.rule(sentence) + "] " + sentence + "\n"
			}
			s.wrong = append(s.wrong, text)
			t.Log(text)
		}
		if right == 0 || rounds > 0 && right < n {
			t.Errorf("%d of %d recordings have the right verdict", right, n)
		}
		s.count(sub, c, fmt.Sprintf("%d/%d", right, n))
	})
}

func (s *diagnoseScores) count(sub *subject, c condition, score string) {
	i := slices.IndexFunc(s.rows, func(r diagnoseRow) bool {
		return r.subject.name == sub.name && r.subject.planted == sub.planted
	})
	if i < 0 {
		s.rows, i = append(s.rows, diagnoseRow{sub, map[string]string{}}), len(s.rows)
	}
	s.rows[i].right[c.name] = score
}

// write makes the table of all conditions.
func (s *diagnoseScores) write(t *testing.T) {
	file := os.Getenv("GOSCHED_DIAGNOSE_REPORT")
	if file == "" {
		return
	}
	var b strings.Builder
	for _, planted := range []bool{true, false} {
		title := "Looks like"
		if planted {
			title = "Planted"
		}
		fmt.Fprintf(&b, "| %s | case |", title)
		for _, c := range conditions {
			fmt.Fprintf(&b, " %s |", c.name)
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(conditions)) + "\n")
		for _, r := range s.rows {
			if r.subject.planted != planted {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s |", r.subject.rule, r.subject.name)
			for _, c := range conditions {
				fmt.Fprintf(&b, " %s |", cmp.Or(r.right[c.name], "–"))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	if len(s.wrong) > 0 {
		b.WriteString("Wrong:\n\n```\n" + strings.Join(s.wrong, "\n") + "```\n")
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

// answer records the case and asks gosched blocking.
func (s *subject) answer(t *testing.T, c condition) *reply {
	t.Helper()
	trace := s.recorded(t, c)
	if !c.goTrace {
		auditedReplay(t, trace)
	}
	return answerOf(t, trace)
}

// answerOf asks gosched blocking.
func answerOf(t *testing.T, trace string) *reply {
	t.Helper()
	out, err := exec.Command(testenv.Gosched(t), "blocking", "--json", trace).Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("gosched blocking: %v", err)
	}
	var a reply
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// recorded is the path of a trace of a whole run of the case.
func (s *subject) recorded(t *testing.T, c condition) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace")
	if s.quotaUS != "" {
		return s.recordedWithQuota(t, out)
	}
	args := []string{s.program, "-case", s.name}
	if c.goTrace {
		args = append(args, "-trace", out)
	} else {
		args = append([]string{testenv.Gosched(t), "record", "-o", out, "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = filepath.Dir(out), append(os.Environ(), s.env)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	return out
}

// recordedWithQuota records a part of a run of a process that may have so much CPU time.
func (s *subject) recordedWithQuota(t *testing.T, out string) string {
	t.Helper()
	cmd := exec.Command(s.program, "-case", s.name, "-repeat", "40")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	limit(t, cmd.Process.Pid, s.quotaUS)
	record := exec.Command(testenv.Gosched(t), "record", "-o", out, "-d", "2s", "-p", strconv.Itoa(cmd.Process.Pid))
	if text, err := record.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", record.Args, err, text)
	}
	return out
}

// limit moves a process into a cgroup of its own, which may have so many microseconds of CPU time
// in each 100 ms.
func limit(t *testing.T, pid int, quotaUS string) {
	t.Helper()
	parent, name, value := "/sys/fs/cgroup", "cpu.max", quotaUS+" 100000"
	if _, err := os.Stat("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil {
		parent, name, value = "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", quotaUS
	}
	dir, err := os.MkdirTemp(parent, "gosched-test-")
	if err != nil {
		testenv.Lacking(t, "cgroups cannot be made here: "+err.Error())
	}
	process := strconv.Itoa(pid)
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.procs"), []byte(process), 0)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	for _, file := range [][2]string{{name, value}, {"cgroup.procs", process}} {
		if err := os.WriteFile(filepath.Join(dir, file[0]), []byte(file[1]), 0); err != nil {
			testenv.Lacking(t, "CPU time cannot be limited here: "+err.Error())
		}
	}
}

// auditedReplay fails the test where the causes of the waits in a trace do not add up to the
// waits, or the trace contradicts the scheduler.
func auditedReplay(t *testing.T, path string) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p, finish := blocking.NewAudited(t)
	sum, err := replay.Run(t.Context(), trace, p)
	if err != nil {
		t.Fatal(err)
	}
	finish()
	if sum.Counts.Total() != 0 {
		t.Errorf("the trace contradicts the scheduler model: %+v", sum.Problems)
	}
}
