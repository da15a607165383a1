package profile

import (
	"fmt"
	"strconv"

	"github.com/google/pprof/profile"
)

func parseProtobuf(data []byte) (*Profile, error) {
	raw, err := profile.ParseUncompressed(data)
	if err != nil {
		return nil, fmt.Errorf("it is no goroutine profile: %w", err)
	}
	if err := raw.CheckValid(); err != nil {
		return nil, fmt.Errorf("it is no whole profile: %w", err)
	}
	if len(raw.SampleType) == 0 {
		return nil, fmt.Errorf("it is no goroutine profile: it says nothing of what it counts")
	}
	leaked, err := leakedProfile(raw.SampleType[0].Type)
	if err != nil {
		return nil, err
	}
	p := &Profile{Encoding: Protobuf, Leaked: leaked}
	for _, s := range raw.Sample {
		if len(s.Value) == 0 || s.Value[0] < 0 {
			return nil, fmt.Errorf("it is no whole profile: a sample without a count")
		}
		p.Groups = append(p.Groups, groupOf(s, leaked))
	}
	return p, nil
}

func groupOf(s *profile.Sample, leaked bool) Group {
	g := Group{Count: s.Value[0], Leaked: leaked, Missing: noStack}
	var frames []string
	for _, loc := range s.Location {
		for _, line := range loc.Line {
			if line.Function != nil {
				frames = append(frames, line.Function.Name+" "+line.Function.Filename+":"+strconv.FormatInt(line.Line,
					10))
			}
		}
	}
	if len(frames) > 0 {
		g.Stack, g.Missing = rootFirst(frames), ""
	}
	for key, values := range s.Label {
		for _, v := range values {
			g.Labels = append(g.Labels, Label{key, v})
		}
	}
	sortLabels(g.Labels)
	return g
}
