package format

import (
	"math"
	"strconv"
	"strings"
)

// The names of limits.
const (
	LimitProcs = "GOMAXPROCS" // how many Ps the runtime has
	LimitQuota = "CPU quota"  // how many CPUs' worth of time the process's cgroups allow it
)

// NoLimit is the Value of a Limit that limits nothing.
const NoLimit = 0

// noLimit is how NoLimit is written.
const noLimit = "none"

// Limit is what a limit row says in its reason: "GOMAXPROCS 4", "CPU quota 1.5", "CPU quota none".
type Limit struct {
	Name  string  // LimitProcs or LimitQuota
	Value float64 // Ps or CPUs, or NoLimit
}

// String is the limit as a row has it.
func (l Limit) String() string { return l.Name + " " + l.Text() }

// Text is the value alone.
func (l Limit) Text() string {
	if l.Value == NoLimit {
		return noLimit
	}
	return strconv.FormatFloat(l.Value, 'f', -1, 64)
}

// ParseLimit reads what String wrote. It says false of any other text.
func ParseLimit(text string) (Limit, bool) {
	space := strings.LastIndexByte(text, ' ')
	if space < 0 {
		return Limit{}, false
	}
	l := Limit{Name: text[:space]}
	switch l.Name {
	case LimitProcs:
		n, err := strconv.ParseInt(text[space+1:], 10, 32)
		l.Value = float64(n)
		return l, err == nil && n > 0
	case LimitQuota:
		if text[space+1:] == noLimit {
			return l, true
		}
		var err error
		l.Value, err = strconv.ParseFloat(text[space+1:], 64)
		return l, err == nil && l.Value > 0 && l.Value <= math.MaxInt32
	}
	return Limit{}, false
}
