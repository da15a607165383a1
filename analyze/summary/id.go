package summary

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// idBytes is how much of a hash an id is made of.
const idBytes = 8

// identify is the id of a recording: a hash of what it is and of its numbers.
func identify(r *Recording) string {
	hash := sha256.New()
	// Neither the hash's Write nor the encoding of plain values fails.
	encode := json.NewEncoder(hash)
	_ = encode.Encode(struct {
		Meta   format.Metadata
		Events int64
	}{r.Info.Meta, r.Info.Events})
	for i := range r.Groups {
		g := &r.Groups[i]
		_ = encode.Encode(struct {
			Key
			Broken int64
			stats.Exact
			Rows []stats.Row
		}{g.Key, g.Broken, g.Hist.Exact(), g.Hist.Rows()})
	}
	_ = encode.Encode(r.Pairs)
	return hex.EncodeToString(hash.Sum(nil)[:idBytes])
}
