package info_test

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

const seenHead = `gosched text trace 1
metadata {"schema_version":4,"source":"ebpf","start_ns":1000000000,"end_ns":2000000000,LOST"processes":[{"pid":1}]}
covered all
base 1000000000
0 snapshot g1 _->running pid=1 tid=11 proc=0
10 g2 notexist->runnable pid=1 tid=11 proc=0 by_goid=1
`

// TestAnswersAreOfWhatWasSeen: the first lines say of how much of the recording the answers are.
func TestAnswersAreOfWhatWasSeen(t *testing.T) {
	lost := strings.Replace(seenHead, "LOST", `"lost":2,`, 1)
	full := strings.Replace(seenHead, "LOST", "", 1)
	for name, test := range map[string]struct{ text, want string }{
		"all of it": {full, "It can answer every question that gosched asks."},
		"windows": {full + "20000000 gap pid=1 end_ns=1000000000 reason=budget\n",
			"It can answer every question that gosched asks, but only for 2.0% of the time."},
		"events lost": {lost,
			"It can answer every question that gosched asks, but only without the 50.0% of events that were lost."},
		"a class was off": {full + "20000000 gap pid=1 end_ns=1000000000 reason=\"not watched: syscalls\"\n",
			"Of 13 questions that gosched asks it cannot answer 0, and 2 only partly."},
	} {
		trace, err := format.ParseText(strings.NewReader(test.text))
		if err != nil {
			t.Fatal(name, err)
		}
		if r := analyze(t, trace); len(r.Lead) != 2 || r.Lead[1] != test.want {
			t.Errorf("%s: it says %q; want %q", name, r.Lead, test.want)
		}
	}
}

func TestATraceWithoutARoundAnswersNothing(t *testing.T) {
	for _, meta := range []format.Metadata{{}, {Source: format.SourceMemory},
		{Source: format.SourceMemory, Processes: []format.Process{{PID: 1, Coverage: format.FullCoverage()}}}} {
		if r := analyze(t, format.NewMemory(meta)); !strings.HasPrefix(r.Lead[1], "It can answer none of the") {
			t.Error(r.Lead)
		}
	}
}
