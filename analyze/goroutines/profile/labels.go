package profile

import (
	"errors"
	"strconv"
	"strings"
)

var errLabels = errors.New("labels are not {\"key\":\"value\", …}")

// parseLabels reads labels as profiles with debug=1 and dumps write them: {"k":"v", "k2": "v2"}.
func parseLabels(text string) ([]Label, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return nil, errLabels
	}
	var out []Label
	for {
		rest = strings.TrimLeft(rest, ", ")
		if strings.HasPrefix(rest, "}") {
			sortLabels(out)
			return out, nil
		}
		var l Label
		var err error
		if l.Key, rest, err = quotedPrefix(rest); err != nil {
			return nil, err
		}
		if rest, ok = strings.CutPrefix(rest, ":"); !ok {
			return nil, errLabels
		}
		if l.Value, rest, err = quotedPrefix(strings.TrimLeft(rest, " ")); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
}

func quotedPrefix(s string) (value, rest string, err error) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", errLabels
	}
	if value, err = strconv.Unquote(quoted); err != nil {
		return "", "", errLabels
	}
	return value, s[len(quoted):], nil
}

// appendLabels writes labels as a dump does (go1.26 src/runtime/traceback.go).
func appendLabels(b *strings.Builder, labels []Label) {
	if len(labels) == 0 {
		return
	}
	b.WriteString(" labels:{")
	for i, l := range labels {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(l.Key) + ": " + strconv.Quote(l.Value))
	}
	b.WriteString("}")
}
