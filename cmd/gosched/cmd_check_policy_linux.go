package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/policy"
	"github.com/gosched/gosched/record"
)

// policyDocument is what check --policy --json prints.
type policyDocument struct {
	Version  int             `json:"version"`
	File     string          `json:"file"`
	Valid    bool            `json:"valid"` // no value is wrong, and nothing contradicts
	Possible bool            `json:"possible"`
	Set      []checkedKey    `json:"set"`
	Unset    []checkedKey    `json:"unset"`
	Wrong    []string        `json:"wrong"`   // what contradicts, each a sentence
	Machine  []machineAnswer `json:"machine"` // what the policy takes of this machine
}

// checkedKey is a key of a policy.
type checkedKey struct {
	Key     string   `json:"key"`
	Flag    string   `json:"flag"`
	Values  []string `json:"values,omitempty"`
	Default string   `json:"default,omitempty"` // where it is not set and has one
	Means   string   `json:"means"`
	Wrong   string   `json:"wrong,omitempty"`
}

// machineAnswer says whether the machine has what keys of a policy take.
type machineAnswer struct {
	What  string `json:"what"`
	There bool   `json:"there"`
	Why   string `json:"why,omitempty"` // not, or what becomes of it
	Needs bool   `json:"needed"`        // without it the policy cannot be followed
}

func runCheckPolicy(opts checkOptions, out io.Writer) error {
	doc, err := newPolicyDocument(opts.policy)
	if err != nil {
		return err
	}
	if err := present(out, opts.json, layoutOptions{}, doc, doc.document()); err != nil {
		return err
	}
	switch {
	case !doc.Valid:
		return &exitError{code: exitInput}
	case !doc.Possible:
		return &exitError{code: exitUnsupported}
	}
	return nil
}

// newPolicyDocument reads a policy as record would.
func newPolicyDocument(path string) (*policyDocument, error) {
	settings, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	d := &policyDocument{Version: documentVersion, File: path, Set: []checkedKey{}, Unset: []checkedKey{},
		Wrong: []string{}, Possible: true}
	var opts recordOptions
	flags := recordCommand(&opts).Flags()
	defaults := recordCommand(new(recordOptions)).Flags()
	for _, key := range policy.Keys() {
		d.add(key, settings, flags, defaults)
	}
	opts.policy = policyOptions{path: path, set: settings}
	d.Valid = !slices.ContainsFunc(d.Set, func(k checkedKey) bool { return k.Wrong != "" })
	if d.Valid {
		d.contradict(&opts, flags)
	}
	for _, ask := range machineQuestions {
		if a, asked := ask(&opts); asked {
			d.Machine = append(d.Machine, a)
			d.Possible = d.Possible && (a.There || !a.Needs)
		}
	}
	return d, nil
}

// add explains a key.
func (d *policyDocument) add(key policy.Setting, given []policy.Setting, flags, defaults *pflag.FlagSet) {
	c := checkedKey{Key: key.Key, Flag: "--" + key.Flag, Means: flagText(flags.Lookup(key.Flag))}
	i := slices.IndexFunc(given, func(s policy.Setting) bool { return s.Key == key.Key })
	if i < 0 {
		c.Default = defaults.Lookup(key.Flag).DefValue
		d.Unset = append(d.Unset, c)
		return
	}
	c.Values = given[i].Values
	if err := setFlag(flags, given[i]); err != nil {
		c.Wrong = err.Error()
	}
	d.Set = append(d.Set, c)
}

// contradict finds what does not go together. What only the command line says is made up: a policy
// does not name the output.
func (d *policyDocument) contradict(opts *recordOptions, flags *pflag.FlagSet) {
	if err := flags.Set("output", "DIR/"); err != nil {
		d.Wrong = append(d.Wrong, err.Error())
	}
	if err := opts.contradictions(flags); err != nil {
		for text := range strings.Lines(opts.policy.blame(err).Error()) {
			d.Wrong = append(d.Wrong, strings.TrimSpace(text))
		}
	}
	d.Valid = len(d.Wrong) == 0
}

// machineQuestions are what a policy may take of the machine. Each says whether it does.
var machineQuestions = []func(*recordOptions) (machineAnswer, bool){
	asksForProbes, asksForPressure, asksForThrottling,
}

// governs says whether a recording gives way to what the machine is short of.
func (o *recordOptions) governs() bool { return o.budget.switchFile() != "" }

// asksForPressure asks whether the kernel tells of waiting for memory.
func asksForPressure(o *recordOptions) (machineAnswer, bool) {
	a := machineAnswer{What: "PSI, to give way where memory is short"}
	_, err := os.ReadFile("/proc/pressure/memory")
	if a.There = err == nil; !a.There {
		a.Why = err.Error() + "; the limits of cgroups are watched all the same"
	}
	return a, o.governs()
}

// asksForThrottling asks whether cgroups tell of their quotas as version 2 does.
func asksForThrottling(o *recordOptions) (machineAnswer, bool) {
	a := machineAnswer{What: "cgroup version 2"}
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	if a.There = err == nil; !a.There {
		a.Why = "version 1's files are read, which tell of no waiting for memory"
	}
	return a, o.governs()
}

// asksForProbes asks whether probes can be attached, which all but sampling takes.
func asksForProbes(o *recordOptions) (machineAnswer, bool) {
	a := machineAnswer{What: "eBPF, to attach probes", Needs: true}
	if o.sampling.rate.set {
		return a, false
	}
	checked, err := record.Check(record.CheckOptions{})
	switch {
	case err != nil:
		a.Why = err.Error()
	case !checked.Recordable():
		var why []error
		for _, o := range checked.Obstacles {
			why = append(why, o.Err)
		}
		a.Why = strings.ReplaceAll(errors.Join(why...).Error(), "\n", "; ")
	default:
		a.There = true
	}
	return a, true
}

// document makes the explanation ready to be drawn.
func (d *policyDocument) document() *report.Document {
	doc := &report.Document{Title: d.verdict()}
	for _, k := range d.Set {
		if k.Wrong != "" {
			doc.Warnings = append(doc.Warnings, report.Warning{Code: "wrong", Text: d.File + ": " + k.Wrong})
		}
	}
	for _, text := range d.Wrong {
		doc.Warnings = append(doc.Warnings, report.Warning{Code: "contradiction", Text: text})
	}
	for _, a := range d.Machine {
		doc.Facts = append(doc.Facts, report.Fact{Name: a.What, Value: report.Text(a.text())})
	}
	set := report.Table{Title: "Set", Columns: []string{"key", "value", "which means"}}
	for _, k := range d.Set {
		set.Rows = append(set.Rows, []report.Cell{
			report.Text(k.Key), report.Text(strings.Join(k.Values, ", ")), report.Text(k.Means)})
	}
	unset := report.Table{Title: "Not set", Columns: []string{"key", "default", "which means"}}
	for _, k := range d.Unset {
		unset.Rows = append(unset.Rows, []report.Cell{
			report.Text(k.Key), report.Text(k.Default), report.Text(k.Means)})
	}
	doc.Tables = []report.Table{set, unset}
	return doc
}

func (a *machineAnswer) text() string {
	switch {
	case !a.There:
		return "no: " + a.Why
	case a.Why != "":
		return "yes, " + a.Why
	}
	return "yes"
}

func (d *policyDocument) verdict() string {
	switch {
	case !d.Valid:
		return d.File + " is no policy that gosched record takes"
	case !d.Possible:
		return d.File + " cannot be followed here"
	}
	return fmt.Sprintf("%s can be followed here", d.File)
}
