package replay

import "github.com/gosched/gosched/format"

// ended are the goroutines whose end was seen. Ids are given out upwards, in runs, and never again,
// so that those of goroutines that have ended are nearly all there are: a word holds 64 of them,
// and words that are full are one bit of a word a level above. What is left is about a word for
// each goroutine that lives on among others that do not. The zero value is empty.
type ended struct {
	recent [endedRecent]endedWord // the words that were last written, by number; a bits of 0: none
	levels [endedLevels]map[int64]uint64
	words  int
	full   bool // some were forgotten: there were too many
}

type endedWord struct {
	number int64
	bits   uint64
}

const (
	endedRecent = 64
	endedLevels = 5
	// maxEnded bounds the words: 20 MB. A million goroutines that live on need fewer unless all are
	// far apart.
	maxEnded = 1 << 18
)

// note takes the end of a goroutine.
func (e *ended) note(id format.GoID) {
	number := int64(id) >> 6
	w := &e.recent[number&(endedRecent-1)]
	if w.number != number || w.bits == 0 {
		if e.has(id) {
			return
		}
		if w.bits != 0 {
			e.put(0, w.number, w.bits)
		}
		*w = endedWord{number, e.level(0)[number]}
	}
	if w.bits |= 1 << (uint(id) & 63); w.bits == ^uint64(0) {
		e.put(0, number, w.bits)
		*w = endedWord{}
	}
}

func (e *ended) level(n int) map[int64]uint64 {
	if e.levels[n] == nil {
		e.levels[n] = map[int64]uint64{}
	}
	return e.levels[n]
}

// put stores a word. One that is full becomes a bit of the level above.
func (e *ended) put(level int, number int64, bits uint64) {
	words := e.level(level)
	if bits == ^uint64(0) && level+1 < endedLevels {
		if _, ok := words[number]; ok {
			delete(words, number)
			e.words--
		}
		above := number >> 6
		e.put(level+1, above, e.level(level + 1)[above]|1<<(uint(number)&63))
		return
	}
	if _, ok := words[number]; !ok {
		if e.words >= maxEnded {
			e.full = true
			return
		}
		e.words++
	}
	words[number] = bits
}

// has says whether the end of a goroutine was seen. After too many it may not know.
func (e *ended) has(id format.GoID) bool {
	number, bit := int64(id)>>6, uint(id)&63
	if w := &e.recent[number&(endedRecent-1)]; w.number == number && w.bits>>bit&1 != 0 {
		return true
	}
	for _, words := range e.levels {
		if words[number]>>bit&1 != 0 {
			return true
		}
		number, bit = number>>6, uint(number)&63
	}
	return false
}

// clear forgets them all.
func (e *ended) clear() { *e = ended{} }
