package flight

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// The defaults of Options.
const (
	DefaultKeep        = time.Minute
	DefaultKeepBytes   = 512 << 20
	DefaultAfter       = 10 * time.Second
	DefaultDistance    = 30 * time.Second
	DefaultRetain      = 20
	DefaultRetainBytes = 4 << 30
)

// DefaultLimit is Options.Limit where nothing else is said.
var DefaultLimit = Limit{6, time.Hour}

// Options say what a flight recorder keeps and when it saves it. The zero value has the defaults.
type Options struct {
	Keep      time.Duration // how much is kept at least; 0: DefaultKeep
	KeepBytes int64         // how large it is at most, however short it then is; 0: DefaultKeepBytes
	After     time.Duration // how much of what follows a trigger is saved with it; 0: DefaultAfter
	Rules     []Rule        // when it is saved
	Limit     *Limit        // how often at most; nil: DefaultLimit
	Distance  time.Duration // between two triggers that save; 0: DefaultDistance, less than 0: none
	Retain    *Retention    // what stays of what was saved; nil: DefaultRetain traces of DefaultRetainBytes
}

// WithDefaults has what is not said filled in.
func (o Options) WithDefaults() Options {
	o.Keep = cmp.Or(o.Keep, DefaultKeep)
	o.KeepBytes = cmp.Or(o.KeepBytes, DefaultKeepBytes)
	o.After = cmp.Or(o.After, DefaultAfter)
	o.Distance = cmp.Or(o.Distance, DefaultDistance)
	if o.Limit == nil {
		o.Limit = &DefaultLimit
	}
	if o.Retain == nil {
		o.Retain = &Retention{Count: DefaultRetain, Bytes: DefaultRetainBytes}
	}
	return o
}

// The bounds of Options.
const (
	minKeep      = time.Second
	maxKeep      = 24 * time.Hour
	minKeepBytes = 1 << 20
)

// Check finds what is wrong with the options.
func (o Options) Check() error {
	o = o.WithDefaults()
	switch {
	case o.Keep < minKeep || o.Keep > maxKeep:
		return fmt.Errorf("%s cannot be kept: between %s and %s can", o.Keep, minKeep, maxKeep)
	case o.KeepBytes < minKeepBytes:
		return fmt.Errorf("%d bytes are too few to keep anything in: %d are the least", o.KeepBytes, minKeepBytes)
	case o.After < 0 || o.After > maxKeep:
		return fmt.Errorf("what follows a trigger cannot be saved for %s", o.After)
	case o.Retain.Count < 0 || o.Retain.Bytes < 0 || o.Retain.Age < 0:
		return errors.New("what is retained cannot be less than nothing")
	}
	return nil
}

// Counts are what a flight recorder did so far.
type Counts struct {
	KeptNS       int64 `json:"kept_ns"`       // how much is kept
	KeptBytes    int64 `json:"kept_bytes"`    // and how large that is
	KeptSegments int64 `json:"kept_segments"` // in so many files
	Dropped      int64 `json:"dropped"`       // segments that became too old
	Unwritten    int64 `json:"unwritten"`     // segments that could not be written
	Triggers     int64 `json:"triggers"`      // all
	Saved        int64 `json:"saved"`         // that saved a trace
	Suppressed   int64 `json:"suppressed"`    // that did not: too often, or one was being saved
	Failed       int64 `json:"failed"`        // that did not: it could not be written
	Removed      int64 `json:"removed"`       // saved traces that were removed because there were too many
	Goroutines   int64 `json:"goroutines"`    // alive, as far as is known
}

// Seconds is a time in words.
func Seconds(ns int64) string { return time.Duration(ns).Round(100 * time.Millisecond).String() }
