package info_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

func TestWhatIsKnownOfModulesIsSaid(t *testing.T) {
	const where = "where in the code it happened"
	tests := []struct {
		name    string
		modules []format.Module
		answer  info.Answer
		says    []string
	}{
		{"a plugin that is known", []format.Module{{Path: "/p.so", FoundNS: 1_500_000}}, info.Yes,
			[]string{"plugin, found after 1.50 ms"}},
		{"a library", []format.Module{{Path: "/lib.so", Runtime: true}}, info.Yes,
			[]string{"library with the runtime"}},
		{
			"a plugin that is not known", []format.Module{{Path: "/p.so", Why: "it was deleted", Stacks: 12345}},
			info.Partly,
			[]string{"12,345 events with functions of /p.so, which are not known: it was deleted", "not in /p.so"},
		},
		{
			"another runtime", []format.Module{{Path: "/lib.so", Other: true}}, info.Yes,
			[]string{"/lib.so has a Go runtime of its own: its goroutines are not in the trace"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := analyze(t, format.NewMemory(format.Metadata{
				Processes: []format.Process{{PID: 1, Coverage: format.FullCoverage(), Modules: test.modules}},
			}))
			for _, q := range r.Questions {
				if q.Name == where && q.Answer != test.answer {
					t.Errorf("%s: %s, want %s", where, q.Answer, test.answer)
				}
			}
			var out bytes.Buffer
			if err := report.WriteText(&out, r.Document(), report.Options{}); err != nil {
				t.Fatal(err)
			}
			text := strings.Join(strings.Fields(out.String()), " ")
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}
