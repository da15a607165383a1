package summary_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

func TestLimitsAreThoseThatHeldForLong(t *testing.T) {
	const head = "gosched text trace 1\n" +
		`metadata {"schema_version":2,"source":"%s","start_ns":1000000,"end_ns":1001000000,"processes":` +
		`[{"pid":1,"go_version":"go1.26.8"%s,"coverage":[]}]}` + "\ncovered all\nbase 1000000\n" +
		"0 g1 notexist->runnable pid=1\n"
	for _, c := range []struct{ name, source, meta, rows, want string }{
		{"the metadata's", "ebpf", `,"gomaxprocs":4,"cpu_quota":1.5`, "", "GOMAXPROCS [4] CPU quota [1.5]"},
		{"no quota", "ebpf", `,"gomaxprocs":4`, "", "GOMAXPROCS [4] CPU quota [0]"},
		{"a quota that nobody looked for", "go trace", `,"gomaxprocs":4`, "", "GOMAXPROCS [4]"},
		{"what main sets", "ebpf", `,"gomaxprocs":4`, "1ms limit pid=1 reason=\"GOMAXPROCS 1\"\n",
			"GOMAXPROCS [1] CPU quota [0]"},
		{"up and down", "ebpf", `,"gomaxprocs":2`,
			"200ms limit pid=1 reason=\"GOMAXPROCS 300\"\n400ms limit pid=1 reason=\"GOMAXPROCS 1\"\n600ms limit " +
				"pid=1 reason=\"GOMAXPROCS 2\"\n",
			"GOMAXPROCS [2 300 1] CPU quota [0]"},
		{"a quota that goes", "ebpf", `,"cpu_quota":2`, "500ms limit pid=1 reason=\"CPU quota none\"\n",
			"CPU quota [2 0]"},
		{"known late", "ebpf", "", "990ms limit pid=1 reason=\"GOMAXPROCS 8\"\n", "CPU quota [0] GOMAXPROCS [8]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, err := format.ParseText(strings.NewReader(fmt.Sprintf(head, c.source, c.meta) + c.rows))
			if err != nil {
				t.Fatal(err)
			}
			run, err := summary.Of(t.Context(), trace)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range run.Info.Limits {
				got = append(got, fmt.Sprint(l.Name, " ", l.Values))
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("limits %s, want %s", text, c.want)
			}
		})
	}
}
