package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/gosched/gosched/analyze/summary"
)

// member is a recording of either side.
type member struct {
	recording *summary.Recording
	head      bool
	at        int // its place among the recordings of its side
}

// block is recordings of both sides that were made one right after the other, by their places in
// each side.
type block struct{ base, head []int }

// minBlock is how many recordings a block has at least: with two the labels can be exchanged in one
// way only, which no number of blocks that people are ready to wait for turns into evidence.
const minBlock = 4

// earliestWall is before any recording: the times of a trace without a wall clock are below.
const earliestWall = 1_400_000_000_000_000_000

// blocksOf cuts the recordings of each host, in the order in which they were made, into the
// smallest consecutive blocks with as many of one side as of the other. If that does not give at
// least two blocks, or one side comes before the other in a block, all are one block and not
// interleaved.
func blocksOf(base, head []*summary.Recording) (blocks []block, interleaved bool) {
	whole := block{base: places(len(base)), head: places(len(head))}
	members := membersOf(base, head)
	for _, m := range members {
		if m.recording.Info.Meta.StartNS < earliestWall {
			return []block{whole}, false
		}
	}
	for len(members) > 0 {
		host := members[0].recording.Info.Meta.Host
		n := 1
		for n < len(members) && members[n].recording.Info.Meta.Host == host {
			n++
		}
		cut, ok := cutBlocks(members[:n])
		if !ok {
			return []block{whole}, false
		}
		blocks = append(blocks, cut...)
		members = members[n:]
	}
	if len(blocks) < 2 {
		return []block{whole}, false
	}
	return blocks, true
}

func places(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// membersOf are all recordings by host and time.
func membersOf(base, head []*summary.Recording) []member {
	var all []member
	for i, r := range base {
		all = append(all, member{recording: r, at: i})
	}
	for i, r := range head {
		all = append(all, member{recording: r, head: true, at: i})
	}
	slices.SortStableFunc(all, func(a, b member) int {
		x, y := &a.recording.Info, &b.recording.Info
		return cmp.Or(cmp.Compare(x.Meta.Host, y.Meta.Host), cmp.Compare(x.Meta.StartNS, y.Meta.StartNS),
			cmp.Compare(x.ID, y.ID))
	})
	return all
}

// cutBlocks cuts the recordings of one host. What is left over at the end is a part of the last
// block.
func cutBlocks(members []member) (blocks []block, ok bool) {
	var open []member
	var cut [][]member
	for _, m := range members {
		open = append(open, m)
		if base, head := countSides(open); base == head && base+head >= minBlock {
			cut, open = append(cut, open), nil
		}
	}
	if len(cut) == 0 {
		return nil, false
	}
	last := &cut[len(cut)-1]
	*last = append(*last, open...)
	for _, list := range cut {
		if lag(list) > maxLag {
			return nil, false
		}
		var b block
		for _, m := range list {
			b.add(m)
		}
		blocks = append(blocks, b)
	}
	return blocks, true
}

func countSides(list []member) (base, head int) {
	for _, m := range list {
		if m.head {
			head++
		} else {
			base++
		}
	}
	return base, head
}

// maxLag is how many places one side may come behind the other on average in a block of recordings
// that are interleaved: 1 of base head base head, 0 of base head head base. What comes further
// behind is later, too, and a machine's drift is between the sides.
const maxLag = 1

// lag is how far apart the mean places of the two sides are.
func lag(list []member) float64 {
	var sums, n [2]float64
	for at, m := range list {
		side := 0
		if m.head {
			side = 1
		}
		sums[side] += float64(at)
		n[side]++
	}
	return math.Abs(sums[0]/n[0] - sums[1]/n[1])
}

func (b *block) add(m member) {
	if m.head {
		b.head = append(b.head, m.at)
	} else {
		b.base = append(b.base, m.at)
	}
}

// sequential says whether all recordings of one side were made before all of the other, as far as
// their times say.
func sequential(base, head []*summary.Recording) bool {
	members := membersOf(base, head)
	changes := 0
	for i, m := range members {
		if m.recording.Info.Meta.StartNS < earliestWall ||
			m.recording.Info.Meta.Host != members[0].recording.Info.Meta.Host {
			return false
		}
		if i > 0 && m.head != members[i-1].head {
			changes++
		}
	}
	return len(base) > 0 && len(head) > 0 && changes == 1
}
