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
