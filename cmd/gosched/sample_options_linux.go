package main

import "github.com/gosched/gosched/record"

// record are the options of sampling.
func (o *samplingOptions) record() record.Sampling {
	s := record.Sampling{RatePerS: o.rate.value, Seed: o.seed, MaxCPUs: o.cpus.value}
	if o.cpus.set && o.cpus.value == 0 {
		s.MaxCPUs = record.AnyCPUs
	}
	return s
}
