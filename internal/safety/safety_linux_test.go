package safety

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
)

// The environment of a long campaign: how many minutes it takes, and the file for its table.
const (
	minutesEnv = "GOSCHED_SAFETY_MINUTES"
	reportEnv  = "GOSCHED_SAFETY_REPORT"
)

// scenario is one way to record a process that might harm it.
type scenario struct {
	name  string
	quick bool // part of the ordinary tests
	run   func(*trial)
}

// tally is what became of a scenario in all rounds.
type tally struct {
	trials, recordings, killed int
	leaked                     int // trials in which the kernel left breakpoints of a killed recorder
	answers                    int64
	harm                       []string
	skipped                    string
}

// TestSafety runs the quick cases once, or all of them until the minutes are over.
func TestSafety(t *testing.T) {
	testenv.RequireBPF(t)
	minutes, long := campaignMinutes(t)
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	tallies := make([]tally, len(cases))
	deadline := time.Now().Add(time.Duration(minutes * float64(time.Minute)))
	versions := []string{""}
	if long {
		versions = []string{"go1.27.4", "go1.18.10", "go1.22.12", "go1.26.8"}
	}
	round := 0
	for ; round == 0 || time.Now().Before(deadline); round++ {
		for i, s := range cases {
			if !long && !s.quick || round > 0 && time.Now().After(deadline) {
				continue
			}
			runTrial(t, s, versions[round%len(versions)], rng.Int63(), &tallies[i])
		}
	}
	writeReport(t, tallies, round, minutes)
}

// campaignMinutes is how long the campaign is to take, and whether one was asked for.
func campaignMinutes(t *testing.T) (float64, bool) {
	text := os.Getenv(minutesEnv)
	if text == "" {
		return 0, false
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil || minutes < 0 {
		t.Fatalf("%s is %q, which is no number of minutes", minutesEnv, text)
	}
	return minutes, true
}

func runTrial(t *testing.T, s scenario, toolchain string, seed int64, sum *tally) {
	name := strings.ReplaceAll(s.name, " ", "-")
	if toolchain != "" {
		name += "-" + toolchain
	}
	t.Run(name, func(t *testing.T) {
		tr := &trial{T: t, toolchain: toolchain, rng: rand.New(rand.NewSource(seed)), dir: t.TempDir(), sum: sum}
		defer func() {
			if t.Skipped() {
				sum.skipped = tr.why
			} else {
				sum.trials++
			}
		}()
		before := seeKernel(t)
		s.run(tr)
		tr.nothingLeft(before)
	})
}

// writeReport writes the table, as Markdown.
func writeReport(t *testing.T, tallies []tally, rounds int, minutes float64) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds, %g minutes\n\n", rounds, minutes)
	b.WriteString("| case | trials | recordings | of them killed | left breakpoints | answers checked | harm |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---|\n")
	var all tally
	for i, s := range cases {
		sum := tallies[i]
		harm := "none"
		switch {
		case len(sum.harm) > 0:
			harm = fmt.Sprintf("**%d**: %s", len(sum.harm), sum.harm[0])
		case sum.skipped != "":
			harm = "not tried: " + sum.skipped
		case sum.trials == 0:
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %s |\n", s.name, sum.trials, sum.recordings, sum.killed,
			sum.leaked, sum.answers, strings.ReplaceAll(harm, "|", "¦"))
		all.trials, all.recordings = all.trials+sum.trials, all.recordings+sum.recordings
		all.killed, all.answers = all.killed+sum.killed, all.answers+sum.answers
		all.leaked += sum.leaked
		all.harm = append(all.harm, sum.harm...)
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d | %d | %d | %d |\n", all.trials, all.recordings, all.killed, all.leaked,
		all.answers, len(all.harm))
	t.Log("\n" + b.String())
	if name := os.Getenv(reportEnv); name != "" {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatIsLookedForIsSeen looks while a recording goes on: then there is what must not be there
// after it.
func TestWhatIsLookedForIsSeen(t *testing.T) {
	testenv.RequireBPF(t)
	tr := &trial{T: t, rng: rand.New(rand.NewSource(1)), dir: t.TempDir(), sum: new(tally)}
	before := seeKernel(t)
	x := tr.start().ready()
	r := tr.record(x)
	if !r.attached() {
		t.Fatal(r.notes.String())
	}
	if n := x.changedBytes(); n < 3 {
		t.Errorf("%d bytes of text are seen to have changed; want a breakpoint for each probe", n)
	}
	if got := strings.Join(tr.sinceThen(before), " "); !strings.Contains(got, "prog_id") ||
		!strings.Contains(got, "map_id") {
		t.Errorf("of the programs and maps in the kernel these are seen: %s", got)
	}
	if left := tr.leftBehind(before); len(left) > 0 {
		t.Errorf("what gosched has open counts as left behind: %v", left)
	}
	r.kill()
	x.unharmed()
	tr.nothingLeft(before)
}
