package kernel

import (
	"errors"
	"strings"
	"testing"
)

const builtDynamic = "CONFIG_PREEMPT_BUILD=y\nCONFIG_ARCH_HAS_PREEMPT_LAZY=y\nCONFIG_PREEMPT_DYNAMIC=y\n"

func TestPreemptionModelIsWhatTheKernelSays(t *testing.T) {
	const dynamic = "Linux version 7.0.0 (b@c) (gcc) #30 SMP PREEMPT_DYNAMIC Fri Jul 31 2026"
	tests := []struct {
		name string
		from preemptionSources
		want PreemptionModel
	}{
		{"the scheduler says full", preemptionSources{scheduler: "none voluntary (full) lazy \n", version: dynamic},
			PreemptFull},
		{"the scheduler says lazy", preemptionSources{scheduler: "full (lazy) \n", version: dynamic},
			PreemptLazy},
		{"the scheduler, not the command line", preemptionSources{
			scheduler: "(none) voluntary full\n", version: dynamic, cmdline: "preempt=full"}, PreemptNone},
		{"a word that is new", preemptionSources{scheduler: "(eager) full\n", version: dynamic},
			PreemptUnknown},
		{"undefined", preemptionSources{scheduler: "none voluntary full (undefined)\n", version: dynamic},
			PreemptUnknown},
		{"built full", preemptionSources{version: "Linux version 6.13.2 #1 SMP PREEMPT Mon"}, PreemptFull},
		{"built for real time", preemptionSources{version: "Linux version 6.13.2 #1 SMP PREEMPT_RT Mon"},
			PreemptRealTime},
		{"built without", preemptionSources{version: "Linux version 6.13.2 #1 SMP Mon"}, PreemptNone},
		{"begun with full", preemptionSources{version: dynamic, cmdline: "ro preempt=full quiet",
			config: builtDynamic + "CONFIG_PREEMPT_NONE=y\n"}, PreemptFull},
		{"begun as it was built, with none", preemptionSources{version: dynamic, cmdline: "ro",
			config: builtDynamic + "CONFIG_PREEMPT_NONE=y\n# CONFIG_PREEMPT is not set\n"}, PreemptNone},
		{"begun as it was built, with lazy", preemptionSources{version: dynamic,
			config: builtDynamic + "CONFIG_PREEMPT_LAZY=y\n"}, PreemptLazy},
		{"begun as it was built, with full", preemptionSources{version: dynamic,
			config: builtDynamic + "CONFIG_PREEMPT=y\n"}, PreemptFull},
		{"it does not say", preemptionSources{version: dynamic},
			PreemptUnknown},
		{"nothing can be read", preemptionSources{},
			PreemptUnknown},
	}
	for _, test := range tests {
		if got := preemptionModel(test.from); got != test.want {
			t.Errorf("%s: the model is %s, want %s", test.name, got, test.want)
		}
	}
}

func TestOnlyKnownDangerIsRefused(t *testing.T) {
	const linux612, linux70 = 6<<16 | 12<<8 | 255, 7 << 16
	tests := []struct {
		danger Danger
		want   bool
	}{
		{Danger{linux70, false, PreemptFull}, true},
		{Danger{linux70, false, PreemptLazy}, true},
		{Danger{privateStacks, false, PreemptRealTime}, true},
		{Danger{linux70, true, PreemptFull}, false}, // the programs forbid it
		{Danger{linux612, false, PreemptFull}, false},
		{Danger{linux70, false, PreemptNone}, false},
		{Danger{linux70, false, PreemptVoluntary}, false},
		{Danger{linux70, false, PreemptUnknown}, false},
	}
	for _, test := range tests {
		err := test.danger.refusal()
		if test.danger.Possible() != test.want || (err != nil) != test.want {
			t.Errorf("of %+v it says %v", test.danger, err)
		}
		if err != nil && (!errors.Is(err, ErrUnsupported) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("of %+v it says %q", test.danger, err)
		}
		t.Log(test.danger)
	}
}

func FuzzPreemptionModel(f *testing.F) {
	f.Add("none (full)", "PREEMPT_DYNAMIC", builtDynamic, "preempt=full")
	f.Fuzz(func(t *testing.T, scheduler, version, config, cmdline string) {
		if preemptionModel(preemptionSources{scheduler, version, config, cmdline}) == "" {
			t.Error("there is no such model")
		}
		unzip(config)
	})
}
