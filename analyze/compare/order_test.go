package compare

import (
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/summary"
)

// made are recordings in an order: a letter each, b of base and h of head, on one host up to a
// space and on the next behind it.
func made(order string) (base, head []*summary.Recording) {
	host, at := 0, int64(0)
	for _, c := range order {
		r := &summary.Recording{Info: summary.Info{ID: fmt.Sprint(at)}}
		r.Info.Meta.Host, r.Info.Meta.StartNS = fmt.Sprint("host", host), wallClock+at
		at++
		switch c {
		case ' ':
			host++
		case 'b':
			base = append(base, r)
		case 'h':
			head = append(head, r)
		}
	}
	return base, head
}

func TestBlocksAreCutAsRecordingsWereMade(t *testing.T) {
	for _, c := range []struct {
		order       string
		sizes       string
		interleaved bool
	}{
		{"bhhbhbbhbhhb", "[[2 2] [2 2] [2 2]]", true},
		{"bhbhbhbh", "[[2 2] [2 2]]", true},
		{"bhhbhbbhbh", "[[2 2] [3 3]]", true},
		{"bhhbbhhbb", "[[2 2] [3 2]]", true},
		{"bbbhhhbbbhhh", "[[6 6]]", false},
		{"bbbbbhhhhhhb", "[[6 6]]", false},
		{"bbhhbbhh", "[[4 4]]", false},
		{"bhhb hbbh", "[[2 2] [2 2]]", true},
		{"bbbbbbhhhhhh", "[[6 6]]", false},
		{"bbb hhh", "[[3 3]]", false},
		{"bhhb bbhh hhhh", "[[4 8]]", false},
		{"bh", "[[1 1]]", false},
	} {
		base, head := made(c.order)
		blocks, interleaved := blocksOf(base, head)
		if got := fmt.Sprint(sizesOf(blocks)); got != c.sizes || interleaved != c.interleaved {
			t.Errorf("%s: %s, interleaved: %v; want %s, %v", c.order, got, interleaved, c.sizes, c.interleaved)
		}
	}
}

func TestRecordingsWithoutAClockAreNotInterleaved(t *testing.T) {
	base, head := made("bhhbhbbh")
	base[1].Info.Meta.StartNS = 5_000_000
	if blocks, interleaved := blocksOf(base, head); interleaved || len(blocks) != 1 {
		t.Errorf("%v, interleaved: %v", blocks, interleaved)
	}
	if sequential(base, head) {
		t.Error("nobody knows whether they are sequential")
	}
	if base, head := made("bbhh"); !sequential(base, head) {
		t.Error("bbhh is not sequential")
	}
	if base, head := made("bhbh"); sequential(base, head) {
		t.Error("bhbh is sequential")
	}
}
