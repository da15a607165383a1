package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// Stat is what is made of the durations of a recording: a percentile by its name, or one of these.
type Stat string

// The statistics that are no percentiles.
const (
	StatMean Stat = "mean" // censored durations are in it with what was seen of them
	StatRate Stat = "rate" // how many a second
	StatTime Stat = "time" // their sum over the observed time: 1 is one goroutine all the time
)

var notPercentiles = []Stat{StatMean, StatRate, StatTime}

// Percentile is the statistic that is this quantile.
func Percentile(q stats.Quantile) Stat { return Stat(q.Name) }

// Quantile is the quantile that the statistic is; false for one that is none.
func (s Stat) Quantile() (stats.Quantile, bool) {
	q, err := stats.ParseQuantile(string(s))
	return q, err == nil && q.Name == string(s)
}

// IsDuration says whether the statistic is in nanoseconds.
func (s Stat) IsDuration() bool { return s != StatRate && s != StatTime }

// Metric is a number that every recording gives.
type Metric struct {
	Key  summary.Key
	Stat Stat
}

// Blocked is the metric of the time in which goroutines waited for something else than work or a
// time that they chose.
var Blocked = Metric{summary.Key{Measure: summary.MeasureWait, By: byBlocked}, StatTime}

const byBlocked summary.By = "blocked"

const blockedName = "blocked time"

// String is the metric as it is written in a policy: "delay p99", "wait p50 of contention", "delay
// p90 of entry main.worker", "delay p99 excluding CPU contention".
func (m Metric) String() string {
	if m == Blocked {
		return blockedName
	}
	name := string(m.Key.Measure) + " " + string(m.Stat)
	switch m.Key.By {
	case summary.ByTotal:
		return name
	case summary.ByContention:
		return name + " of " + string(m.Key.By)
	case summary.ByNoCPUContention:
		return name + " " + string(m.Key.By)
	}
	return fmt.Sprintf("%s of %s %s", name, m.Key.By, m.Key.Name)
}

// groupings are the ways to group that a policy may name behind "of", by measure.
var groupings = map[summary.Measure][]summary.By{
	summary.MeasureDelay:   {summary.ByReason, summary.ByEntry},
	summary.MeasureWait:    {summary.ByReason, summary.ByClass, summary.ByEntry, summary.ByContention},
	summary.MeasureCall:    {summary.ByReason},
	summary.MeasureRunning: {summary.ByEntry},
}

// parseMetric reads a metric as String writes it.
func parseMetric(text string) (Metric, error) {
	if text == blockedName {
		return Blocked, nil
	}
	what, of, grouped := strings.Cut(text, " of ")
	what, excluding := strings.CutSuffix(what, " "+string(summary.ByNoCPUContention))
	measure, stat, _ := strings.Cut(what, " ")
	m := Metric{summary.Key{Measure: summary.Measure(measure), By: summary.ByTotal}, Stat(stat)}
	by, known := groupings[m.Key.Measure]
	_, percentile := m.Stat.Quantile()
	switch {
	case !known:
		return m, fmt.Errorf("%q is no metric: it begins with delay, wait, syscall or running, or is %q", text,
			blockedName)
	case !percentile && !slices.Contains(notPercentiles, m.Stat):
		return m, fmt.Errorf("%q is no metric: after %s comes a percentile such as p99.9, or one of %s", text, measure,
			joined(notPercentiles))
	case excluding && (grouped || m.Key.Measure != summary.MeasureDelay):
		return m, fmt.Errorf("%q is no metric: only all delays are known %s", text, summary.ByNoCPUContention)
	case excluding:
		m.Key.By = summary.ByNoCPUContention
		return m, nil
	case !grouped:
		return m, nil
	}
	grouping, name, _ := strings.Cut(of, " ")
	m.Key.By, m.Key.Name = summary.By(grouping), name
	if !slices.Contains(by, m.Key.By) || (m.Key.By == summary.ByContention) != (name == "") {
		return m, fmt.Errorf("%q is no metric: %s can be of %s, with a name behind all but contention", text, measure,
			joined(by))
	}
	return m, nil
}

func joined[T ~string](words []T) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return strings.Join(list, ", ")
}

// parseFloor reads the least change that counts: a duration for statistics that are one, else a
// number.
func (m Metric) parseFloor(text string) (float64, error) {
	if m.Stat.IsDuration() {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("floor of %s: %q is no duration such as 100µs", m, text)
		}
		return float64(d), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1e12) {
		return 0, fmt.Errorf("floor of %s: %q is no number such as 0.02", m, text)
	}
	return v, nil
}

// FloorText is the floor in words.
func (g Gate) FloorText() string {
	if g.Metric.Stat.IsDuration() {
		return time.Duration(g.Floor).String()
	}
	return strconv.FormatFloat(g.Floor, 'f', -1, 64) + " s/s"
}
