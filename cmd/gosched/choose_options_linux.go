package main

import (
	"os"
	"slices"

	"github.com/gosched/gosched/record/choose"
)

// resolved are the rules with the paths of cgroups as /proc has them; nil: no rule was given. Under is
// the command whose processes are meant; 0: there is none.
func (o *chooseOptions) resolved(under int) *choose.Rules {
	if !o.any() {
		return nil
	}
	rules := o.choose()
	rules.Under, rules.Cgroups = under, slices.Clone(o.cgroups)
	mounts, _ := os.ReadFile("/proc/self/mountinfo") // without it a path is what it is
	for i, path := range rules.Cgroups {
		rules.Cgroups[i] = choose.CgroupPath(path, string(mounts))
	}
	return rules
}
