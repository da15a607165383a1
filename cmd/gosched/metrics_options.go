package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/metrics"
)

// metricsOptions say where a recording is shown to Prometheus.
type metricsOptions struct{ address string }

func (o *metricsOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.address, "metrics", "", "show Prometheus the recorder and delays at this `address`, as "+
		"127.0.0.1:9464 or unix:PATH; without a host on loopback alone")
}

func (o *metricsOptions) check() error {
	if o.address == "" {
		return nil
	}
	if err := metrics.CheckAddress(o.address); err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	return nil
}
