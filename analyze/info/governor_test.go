package info_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/format"
)

func TestGovernorText(t *testing.T) {
	for _, c := range []struct {
		name string
		g    *format.Governor
		want string
	}{
		{"no bound", nil, ""},
		{"a bound that sufficed", &format.Governor{
			MaxOverhead: 0.05, FloorCPUs: 0.005, Overhead: 0.012, HitsNS: 2e6, RecorderNS: 5e6, DutyCycle: 1,
			Windows: 1,
		}, "cost 1.2% of the recorded CPU time " +
			"(2.00 ms in probes, 5.00 ms in the recorder), allowed 5.0%, or 0.005 CPU; " +
			"everything was watched all the time"},
		{"processes that do nothing", &format.Governor{
			MaxOverhead: 0.01, FloorCPUs: 0.005, Overhead: 90.5, HitsNS: 2e6, RecorderNS: 5e6, DutyCycle: 1,
			Windows: 1, CPUs: 0.004, AllowedCPUs: 0.006,
		}, "cost 0.004 CPU a second (2.00 ms in probes, 5.00 ms in the recorder), " +
			"within the 0.005 that may always be spent; everything was watched all the time"},
		{"more than may be", &format.Governor{
			MaxOverhead: 0.01, FloorCPUs: 0.005, Overhead: 0.5, HitsNS: 2e6, RecorderNS: 5e6, DutyCycle: 1,
			Windows: 1, CPUs: 0.04, AllowedCPUs: 0.006,
		}, "cost 0.04 CPU a second (2.00 ms in probes, 5.00 ms in the recorder), more than 1.0% of the recorded " +
			"CPU time, or the 0.005 that may always be spent; everything was watched all the time"},
		{"windows, and the kill switch", &format.Governor{
			MaxCPUs: 0.05, Overhead: 0.05, HitsNS: 2e9, RecorderNS: 1e9, DutyCycle: 0.08, Windows: 61,
			Off: []format.Off{{Reason: format.ReasonBudget.String(), Times: 60, OffNS: 50e9},
				{Reason: format.ReasonKillSwitch.String(), Times: 1, OffNS: 9e9}},
			Dropped: []format.Dropped{{Transition: format.TransitionSyscalls, OffNS: 2e9}},
		}, "cost 5.0% of the recorded CPU time (2.00 s in probes, 1.00 s in the recorder), " +
			"allowed 0.05 CPU; " +
			"watched for 8.0% of the time, in 61 windows; off once for 9.00 s: kill switch; " +
			"without syscalls for 2.00 s"},
	} {
		if got := info.GovernorText(c.g); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
