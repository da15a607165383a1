package report

import (
	"slices"
	"strings"
	"unicode"
)

// clean makes text of traces fit to be drawn on one line: names come from programs that nobody
// vouches for. Line breaks and tabs become spaces; other control characters, which
// terminals obey, those that turn the direction of what follows, what XML cannot hold
// and what is no UTF-8 become U+FFFD.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || turns(r) || r == '\ufffe' || r == '\uffff':
			return unicode.ReplacementChar
		}
		return r
	}, s) // Map turns each byte that is no UTF-8 into U+FFFD
}

// cleanLines makes each line of a text clean.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

// turns says whether a character is one of Unicode's embeddings, overrides and isolates, behind
// which text is shown in another order than it has.
func turns(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }

// cleaned is a copy of the document with all that is drawn of it clean.
func cleaned(d *Document) *Document {
	c := *d
	c.Title = clean(d.Title)
	c.Lead, c.Notes = cleanAll(d.Lead), cleanAll(d.Notes)
	c.Warnings, c.Facts = slices.Clone(d.Warnings), slices.Clone(d.Facts)
	for i := range c.Warnings {
		c.Warnings[i].Text = clean(c.Warnings[i].Text)
	}
	for i := range c.Facts {
		c.Facts[i].Name, c.Facts[i].Value.Text = clean(c.Facts[i].Name), clean(c.Facts[i].Value.Text)
	}
	c.Tables, c.Charts = slices.Clone(d.Tables), slices.Clone(d.Charts)
	for i := range c.Tables {
		c.Tables[i] = cleanedTable(c.Tables[i])
	}
	for i := range c.Charts {
		c.Charts[i].Title, c.Charts[i].Below = clean(c.Charts[i].Title), cleanAll(c.Charts[i].Below)
	}
	return &c
}

func cleanedTable(t Table) Table {
	t.Title, t.Columns, t.Rows = clean(t.Title), cleanAll(t.Columns), slices.Clone(t.Rows)
	t.Spare, t.Below = cleanAll(t.Spare), cleanAll(t.Below)
	for i, row := range t.Rows {
		t.Rows[i] = slices.Clone(row)
		for j := range row {
			t.Rows[i][j].Text = clean(row[j].Text)
		}
	}
	return t
}

func cleanAll(texts []string) []string {
	out := slices.Clone(texts)
	for i, s := range out {
		out[i] = clean(s)
	}
	return out
}
