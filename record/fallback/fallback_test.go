package fallback

import (
	"slices"
	"testing"
)

func TestOnlyNamesCanBeAskedFor(t *testing.T) {
	if want := []string{PerfUprobes, LegacyPrograms, SharedStacks}; !slices.Equal(Names(), want) {
		t.Errorf("the names are %q, want %q", Names(), want)
	}
	if err := Check(Names()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{PreemptiblePrograms, "none", ""} {
		want := `no fall-back that can be asked for is called "` + name + `": there are ` +
			"perf-uprobes, legacy-programs, shared-stacks"
		if err := Check([]string{PerfUprobes, name}); err == nil || err.Error() != want {
			t.Errorf("of %q it says %v", name, err)
		}
	}
}

func TestEachFallbackIsSaidInFull(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All {
		if f.Name == "" || f.Lacks == "" || f.Does == "" || seen[f.Name] {
			t.Errorf("it lacks something, or is there twice: %+v", f)
		}
		seen[f.Name] = true
	}
}
