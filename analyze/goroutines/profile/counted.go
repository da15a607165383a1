package profile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	countedGroup = regexp.MustCompile(`^(\d+) @((?: 0x[0-9a-f]+)*)$`)
	countedFrame = regexp.MustCompile(`^#\t0x[0-9a-f]+\t(.*?)(?:\+0x[0-9a-f]+)?\t+(.+:\d+)$`)
)

// profileNames are the profiles that hold goroutines, and whether all of them are leaked.
var profileNames = map[string]bool{"goroutine": false, "goroutineleak": true}

func leakedProfile(name string) (leaked bool, err error) {
	leaked, ok := profileNames[name]
	if !ok {
		return false, fmt.Errorf("it is a %s profile, not one of goroutines", name)
	}
	return leaked, nil
}

// counted is a profile with debug=1 while it is read.
type counted struct {
	profile *Profile
	frames  []string // of the last group, innermost first
	total   int64
}

func parseCounted(data []byte) (*Profile, error) {
	c := &counted{profile: &Profile{Encoding: Counted}}
	if err := lines(data, c.line); err != nil {
		return nil, err
	}
	c.close()
	if got := c.profile.Total(); got != c.total {
		return nil, fmt.Errorf("it is truncated: %d of %d goroutines are there", got, c.total)
	}
	return c.profile, nil
}

func (c *counted) line(n int, line string) error {
	if n == 1 {
		return c.header(line)
	}
	if m := countedGroup.FindStringSubmatch(line); m != nil {
		return c.open(m[1])
	}
	if len(c.profile.Groups) == 0 {
		return nil
	}
	if m := countedFrame.FindStringSubmatch(line); m != nil {
		c.frames = append(c.frames, m[1]+" "+m[2])
		return nil
	}
	if text, ok := strings.CutPrefix(line, "# labels: "); ok {
		labels, err := parseLabels(text)
		c.profile.Groups[len(c.profile.Groups)-1].Labels = labels
		return err
	}
	return nil
}

func (c *counted) header(line string) (err error) {
	m := countedHeader.FindStringSubmatch(line)
	if c.profile.Leaked, err = leakedProfile(m[1]); err != nil {
		return err
	}
	c.total, err = strconv.ParseInt(m[2], 10, 64)
	return err
}

func (c *counted) open(count string) error {
	c.close()
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil {
		return fmt.Errorf("count %s: %w", count, err)
	}
	c.profile.Groups = append(c.profile.Groups, Group{Count: n, Leaked: c.profile.Leaked})
	return nil
}

func (c *counted) close() {
	if n := len(c.profile.Groups); n > 0 {
		g := &c.profile.Groups[n-1]
		if len(c.frames) == 0 {
			g.Missing = noStack
		}
		g.Stack = rootFirst(c.frames)
	}
	c.frames = nil
}
