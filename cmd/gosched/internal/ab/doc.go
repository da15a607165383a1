// Package ab records two commands, base and head, several times each and interleaved, so that what
// drifts on a machine meanwhile meets both alike. A Runner records one run: Probes with eBPF,
// GoTraces by having the commands write Go execution traces.
package ab
