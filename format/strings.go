package format

import (
	"fmt"
	"strings"
	"sync"
)

// maxStringsBytes bounds what a table of strings may hold, so that a hostile
// trace cannot ask for more. The stacks of a program of a million lines are some ten megabytes.
const maxStringsBytes = 512 << 20

// Strings is a table of distinct strings. Index 0 is the null string, whose
// text is empty. It is safe for concurrent use.
type Strings struct {
	mu    sync.RWMutex
	list  []string
	index map[string]StringID
	bytes int64
}

// NewStrings gives an empty table.
func NewStrings() *Strings {
	return &Strings{list: []string{""}, index: make(map[string]StringID)}
}

// Intern gives the number of s, a new one where s is new. The empty string is
// NullString; bytes that are no UTF-8 become U+FFFD, and what is beyond a
// mebibyte is cut off. Call it once a distinct string and keep the number: it
// hashes.
func (t *Strings) Intern(s string) StringID {
	if s == "" {
		return NullString
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok := t.index[s]
	if !ok {
		id = t.insert(s)
	}
	return id
}

// maxString is the longest string that is kept whole.
const maxString = 1 << 20

// clean makes s what a string column may hold. Parquet's strings are UTF-8,
// and other engines refuse a file where one is not.
func clean(s string) string {
	if len(s) > maxString {
		s = s[:maxString]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// size is the number of bytes that the distinct strings of ids take in a dictionary.
func (t *Strings) size(ids []StringID) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	seen := make(map[StringID]bool)
	n := 0
	for _, id := range ids {
		if !seen[id] && int(id) < len(t.list) {
			seen[id] = true
			n += len(t.list[id]) + 4
		}
	}
	return n
}

// insert numbers a string that the table does not have.
func (t *Strings) insert(s string) StringID {
	valid := clean(s)
	id, ok := t.index[valid]
	if !ok {
		id = StringID(len(t.list))
		t.list = append(t.list, valid)
		t.index[valid] = id
	}
	t.index[s] = id
	t.bytes += int64(len(s)) + 64
	return id
}

// internBytes is Intern for what comes from a file: bounded, and without a copy of what is known.
func (t *Strings) internBytes(s []byte) (StringID, error) {
	if len(s) == 0 {
		return NullString, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if id, ok := t.index[string(s)]; ok {
		return id, nil
	}
	if t.bytes+int64(len(s)) > maxStringsBytes {
		return 0, fmt.Errorf("more than %d MiB of distinct strings", maxStringsBytes>>20)
	}
	return t.insert(string(s)), nil
}

// Lookup is the text of id, empty for NullString and for numbers that the table never gave.
func (t *Strings) Lookup(id StringID) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if int(id) >= len(t.list) {
		return ""
	}
	return t.list[id]
}

// Len is the number of entries, the null string included: every StringID is below it.
func (t *Strings) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.list)
}

// tables are the strings that a batch's numbers mean.
type tables struct {
	reasons, stacks *Strings
}

func newTables() tables { return tables{reasons: NewStrings(), stacks: NewStrings()} }

// bytes is about what the tables hold.
func (t tables) bytes() int { return t.reasons.held() + t.stacks.held() }

func (t *Strings) held() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return int(t.bytes)
}

// of gives the table of a column.
func (t tables) of(c Column) *Strings {
	if c == ColReason {
		return t.reasons
	}
	return t.stacks
}
