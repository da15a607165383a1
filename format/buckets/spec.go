package buckets

import (
	"math"

	"github.com/gosched/gosched/format/internal/flat"
)

// Null is the number that stands for none in a Row.
const Null = math.MinInt64

// Row is a row of a summary. Numbers that are not there are Null, texts are empty.
type Row struct {
	Recording, Measure, GroupedBy, Name, Stack, Waker                 string
	Bucket, LoNS, HiNS, Count, Censored                               int64
	SumNS, CensoredSumNS, MinNS, MaxNS, CensoredMaxNS, Broken, IdleNS int64
	Frame, WakerFrame, Causes                                         string
	Found                                                             int64
}

// EmptyRow is a row without any value.
var EmptyRow = Row{
	Bucket: Null, LoNS: Null, HiNS: Null, Count: Null, Censored: Null,
	SumNS: Null, CensoredSumNS: Null, MinNS: Null, MaxNS: Null, CensoredMaxNS: Null, Broken: Null, IdleNS: Null,
	Found: Null,
}

// spec is what there is to say of a column. Either text or number is its place in a Row.
type spec struct {
	name     string
	nullable bool
	meaning  string
	text     func(*Row) *string
	number   func(*Row) *int64
}

// specs is the schema. Later versions append columns to it and change nothing else.
var specs = []spec{
	{name: "recording", meaning: "The recording: its id, as `gosched.summary` in the metadata lists it.",
		text: func(r *Row) *string { return &r.Recording }},
	{name: "measure", meaning: "What lasted: `delay`, `wait`, `syscall` or `running`.",
		text: func(r *Row) *string { return &r.Measure }},
	{name: "grouped_by", meaning: "What the durations have in common: `total`, `excluding CPU contention`, `reason`, " +
		"`class`, `contention`, `entry` or `site`; or `pair`: the waits at a site that one waker ended.",
		text: func(r *Row) *string { return &r.GroupedBy }},
	{name: "name", nullable: true, meaning: "The name of the group; of sites and pairs the reason. Null in totals.",
		text: func(r *Row) *string { return &r.Name }},
	{name: "stack", nullable: true, meaning: "Of sites and pairs: the functions on the stack, root first, `;` " +
		"between, without files and lines.", text: func(r *Row) *string { return &r.Stack }},
	{name: "waker", nullable: true, meaning: "Of pairs: the functions on the waker's stack; where the waker was " +
		"not a goroutine, its name in the trace in angle brackets.", text: func(r *Row) *string { return &r.Waker }},
	{name: "bucket", nullable: true, meaning: "The bucket's number. Null in a group's row of exact figures, and in " +
		"pairs.", number: func(r *Row) *int64 { return &r.Bucket }},
	{name: "lo_ns", nullable: true, meaning: "The shortest duration of the bucket.",
		number: func(r *Row) *int64 { return &r.LoNS }},
	{name: "hi_ns", nullable: true, meaning: "The longest duration of the bucket.",
		number: func(r *Row) *int64 { return &r.HiNS }},
	{name: "count", nullable: true, meaning: "Durations in the bucket that were seen from beginning to end; of a " +
		"pair all of them.", number: func(r *Row) *int64 { return &r.Count }},
	{name: "censored", nullable: true, meaning: "Durations in the bucket that were censored: the recording's ends " +
		"or lost events cut them off, so they lasted at least that long.",
		number: func(r *Row) *int64 { return &r.Censored }},
	{name: "sum_ns", nullable: true, meaning: "The exact sum of those seen from beginning to end. This column and " +
		"those after it have values only in rows without a bucket.", number: func(r *Row) *int64 { return &r.SumNS }},
	{name: "censored_sum_ns", nullable: true, meaning: "The exact sum of what was seen of the censored ones.",
		number: func(r *Row) *int64 { return &r.CensoredSumNS }},
	{name: "min_ns", nullable: true, meaning: "The shortest seen from beginning to end, 0 if there is none.",
		number: func(r *Row) *int64 { return &r.MinNS }},
	{name: "max_ns", nullable: true, meaning: "The longest seen from beginning to end, 0 if there is none.",
		number: func(r *Row) *int64 { return &r.MaxNS }},
	{name: "censored_max_ns", nullable: true, meaning: "The longest of the censored ones, 0 if there is none.",
		number: func(r *Row) *int64 { return &r.CensoredMaxNS }},
	{name: "broken", nullable: true, meaning: "Durations of which transitions are missing from the trace; they are " +
		"in no other number.",
		number: func(r *Row) *int64 { return &r.Broken }},
	{name: "idle_ns", nullable: true, meaning: "Of sites: the part of `sum_ns` and `censored_sum_ns` in which " +
		"goroutines may have been waiting for work.", number: func(r *Row) *int64 { return &r.IdleNS }},
	{name: "frame", nullable: true, meaning: "Of sites: the innermost frame that is not library plumbing, " +
		"`func file:line`.", text: func(r *Row) *string { return &r.Frame }},
	{name: "waker_frame", nullable: true, meaning: "Of pairs: the same, of the waker's stack.",
		text: func(r *Row) *string { return &r.WakerFrame }},
	{name: "causes", nullable: true, meaning: "Of sites: the root causes of the waiting there, a JSON list of " +
		"`{\"kind\", \"name\", \"ns\"}`.", text: func(r *Row) *string { return &r.Causes }},
	{name: "found", nullable: true, meaning: "Of `censored`, those that were found going on after a time that was " +
		"not watched; percentiles take no account of them. Null where there are none, and in summaries of version 1.",
		number: func(r *Row) *int64 { return &r.Found }},
}

// leastColumns is how many columns version 1 had.
const leastColumns = 21

func (s *spec) typ() flat.Type {
	if s.text != nil {
		return flat.String
	}
	return flat.Int64
}

// schema is the columns as they are in Parquet.
func schema() []flat.Column {
	columns := make([]flat.Column, len(specs))
	for i := range specs {
		columns[i] = flat.Column{Name: specs[i].name, Type: specs[i].typ(), Optional: specs[i].nullable}
	}
	return columns
}
