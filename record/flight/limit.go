package flight

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limit is how often is saved at most: Count times in any time as long as Per. The zero value limits
// nothing.
type Limit struct {
	Count int
	Per   time.Duration
}

// unlimited is how no limit is written.
const unlimited = "none"

// maxLimit is the largest Limit.Count: so many times are remembered.
const maxLimit = 10_000

// ParseLimit reads "6/h", "1/10m" or "none".
func ParseLimit(text string) (Limit, error) {
	if text == unlimited {
		return Limit{}, nil
	}
	number, per, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n <= 0 || n > maxLimit {
		return Limit{}, fmt.Errorf("%q is no limit such as 6/h, 1/10m or none", shorten(text))
	}
	if per != "" && (per[0] < '0' || per[0] > '9') {
		per = "1" + per
	}
	d, err := parseDuration(per)
	if err != nil {
		return Limit{}, fmt.Errorf("limit %q: %w", shorten(text), err)
	}
	return Limit{n, d}, nil
}

// String is the limit as ParseLimit reads it.
func (l Limit) String() string {
	switch {
	case l.Count == 0:
		return unlimited
	case l.Per == time.Hour:
		return fmt.Sprintf("%d/h", l.Count)
	}
	return fmt.Sprintf("%d/%s", l.Count, l.Per)
}

// Gate says which triggers may save, and counts the others. It remembers as many times as the limit
// allows. It is not safe for concurrent use.
type Gate struct {
	Limit    Limit
	Distance time.Duration // between one trigger that saves and the next, at least

	times      []time.Time
	suppressed int64
}

// Pass says whether a trigger at a time may save, and why not.
func (g *Gate) Pass(at time.Time) error {
	err := g.refusal(at)
	if err != nil {
		g.suppressed++
		return err
	}
	if g.Limit.Count > 0 && len(g.times) == g.Limit.Count || g.Limit.Count == 0 && len(g.times) > 0 {
		g.times = g.times[1:]
	}
	g.times = append(slices.Clip(g.times), at)
	return nil
}

// refusal says why a trigger may not save.
func (g *Gate) refusal(at time.Time) error {
	n := len(g.times)
	if n > 0 && at.Sub(g.times[n-1]) < g.Distance {
		return fmt.Errorf("the last was saved %s ago, and %s have to be between", at.Sub(g.times[n-1]).Round(
			time.Millisecond), g.Distance)
	}
	if g.Limit.Count > 0 && n == g.Limit.Count && at.Sub(g.times[0]) < g.Limit.Per {
		return fmt.Errorf("%s have been saved, and the next may be in %s", g.Limit,
			(g.Limit.Per - at.Sub(g.times[0])).Round(time.Second))
	}
	return nil
}

// Suppress counts a trigger that saves nothing for another reason.
func (g *Gate) Suppress() { g.suppressed++ }

// Suppressed is how many triggers saved nothing.
func (g *Gate) Suppressed() int64 { return g.suppressed }

// sizes are the units of bytes, the longest names first.
var sizes = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

var errSize = errors.New("is no size such as 512MB or 4GiB")

// ParseBytes reads a size: "512MB", "4GiB".
func ParseBytes(text string) (int64, error) {
	number, scale := text, 1.0
	for _, s := range sizes {
		if n, ok := strings.CutSuffix(text, s.name); ok {
			number, scale = n, s.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || v <= 0 || v*scale > 1<<53 || v*scale < 1 {
		return 0, fmt.Errorf("%q %w", shorten(text), errSize)
	}
	return int64(v * scale), nil
}

// FormatBytes is a size as ParseBytes reads it.
func FormatBytes(n int64) string {
	for i := 3; i >= 0; i-- {
		if size := int64(sizes[i].bytes); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + sizes[i].name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
