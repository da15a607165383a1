package main

import "testing"

func TestBudgetFlag(t *testing.T) {
	for text, want := range map[string]budgetFlag{
		"1%": {share: 0.01}, "0.5 %": {share: 0.005}, "100%": {share: 1}, "0.05cpu": {cpus: 0.05}, "2cpu": {cpus: 2},
	} {
		var got budgetFlag
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "0%", "-1%", "101%", "NaN%", "cpu", "0cpu", "1e9cpu", "1 core"} {
		var got budgetFlag
		if err := got.Set(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func FuzzBudgetFlag(f *testing.F) {
	f.Add("1%")
	f.Add("0.05cpu")
	f.Fuzz(func(t *testing.T, text string) {
		var got budgetFlag
		if err := got.Set(text); err == nil && (got.share <= 0) == (got.cpus <= 0) {
			t.Errorf("%q is %+v", text, got)
		}
	})
}

func TestShareFlag(t *testing.T) {
	for text, want := range map[string]float64{"10%": 0.1, "0.1 %": 0.001, "100%": 1} {
		var got shareFlag
		if err := got.Set(text); err != nil || got.value != want {
			t.Errorf("%s: %v, %v", text, got.value, err)
		}
	}
	for _, text := range []string{"", "%", "10", "0%", "-1%", "101%", "NaN%", "Inf%"} {
		var got shareFlag
		if err := got.Set(text); err == nil {
			t.Errorf("%q is %v", text, got.value)
		}
	}
}

func FuzzShareFlag(f *testing.F) {
	f.Add("10%")
	f.Fuzz(func(t *testing.T, text string) {
		var got shareFlag
		if err := got.Set(text); err == nil && !(got.value > 0 && got.value <= 1) {
			t.Errorf("%q is %v", text, got.value)
		}
	})
}

func TestPressureIsForABudget(t *testing.T) {
	for _, name := range pressures {
		value := map[bool]string{true: "false", false: "20%"}[name == "off-at-throttling"]
		for _, c := range []struct {
			with []string
			says string
		}{
			{nil, "--" + name + " is for --max-overhead and --kill-switch"},
			{[]string{"--max-overhead", "1%"}, ""},
			{[]string{"--kill-switch", "/off"}, ""},
			{[]string{"--sample", "1/s"}, "--sample attaches nothing: --" + name + " has no meaning beside it"},
		} {
			var opts recordOptions
			flags := recordCommand(&opts).Flags()
			if err := flags.Parse(append(c.with, "--"+name, value)); err != nil {
				t.Fatal(err)
			}
			said := ""
			if err := opts.contradictions(flags); err != nil {
				said = err.Error()
			}
			if said != c.says {
				t.Errorf("--%s with %q: it says %q; want %q", name, c.with, said, c.says)
			}
		}
	}
}
