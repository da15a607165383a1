package flat

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// padded is b with the slack behind it that decoders may read.
func padded(b []byte) []byte { return append(bytes.Clone(b), make([]byte, slack)...)[:len(b)] }

func TestIndicesOfEveryWidthComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var z Decompressor
	for _, entries := range []int{1, 2, 3, 4, 5, 16, 17, 200, 256, 257, 1 << 16, 1<<16 + 1} {
		for range 40 {
			rows := 1 + rng.IntN(300)
			dictionary := make([]int64, entries)
			for i := range dictionary {
				dictionary[i] = int64(i) - 7
			}
			vals := make([]int64, rows)
			const null = -99
			for i := range vals {
				vals[i] = dictionary[rng.IntN(entries)]
				if rng.IntN(3) == 0 && rows%2 == 0 {
					vals[i] = null
				}
			}
			d := NewIntDict[int64]()
			for _, v := range dictionary {
				d.Index(v)
			}
			var s Scratch
			nulls := CountNulls(vals, null)
			d.Encode(&s, vals, nulls, null)
			if rows == nulls {
				continue
			}
			v := values{count: rows - nulls, body: padded(appendIndices(nil, s.Indices, s.Same, indexWidth(entries)))}
			if nulls > 0 {
				v.bitmap = s.Bitmap
			}
			got := make([]int64, rows)
			if err := readIndices(&z, v, dictionary, null, got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, vals) {
				t.Fatalf("%d entries, %d rows:\n got %v\nwant %v", entries, rows, got, vals)
			}
		}
	}
}

func TestPresenceComesBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		rows := 1 + rng.IntN(200)
		vals := make([]int32, rows)
		for i := range vals {
			vals[i] = rng.Int32N(1 + rng.Int32N(3))
		}
		var s Scratch
		nulls := CountNulls(vals, 0)
		NewIntDict[int32]().Encode(&s, vals, nulls, 0)
		b := appendPresence(nil, s.Bitmap, rows, rows-nulls)
		bitmap, n, rest, err := presence(nil, append(b, 1, 2, 3), rows)
		if err != nil || n != rows-nulls || len(rest) != 3 {
			t.Fatalf("%d values, %d bytes left, %v; want %d, 3", n, len(rest), err, rows-nulls)
		}
		for i := range vals {
			if n > 0 && n < rows && (vals[i] != 0) != (bitmap[i/8]>>(i%8)&1 != 0) {
				t.Fatalf("row %d of %v", i, vals)
			}
		}
	}
}

func TestRunsOfOtherWritersAreRead(t *testing.T) {
	// 3 times 5, then 8 packed of 3 bits (0 to 7), then 2 times 1.
	packed := uint64(0)
	for i := range uint64(8) {
		packed |= i << (3 * i)
	}
	b := []byte{3, 3 << 1, 5, 1<<1 | 1, byte(packed), byte(packed >> 8), byte(packed >> 16), 2 << 1, 1}
	dictionary := []int32{10, 11, 12, 13, 14, 15, 16, 17}
	var z Decompressor
	got := make([]int32, 13)
	if err := readIndices(&z, values{count: 13, body: padded(b)}, dictionary, -1, got); err != nil {
		t.Fatal(err)
	}
	if want := []int32{15, 15, 15, 10, 11, 12, 13, 14, 15, 16, 17, 11, 11}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	levels := []byte{0, 0, 0, 0, 3 << 1, 1, 1<<1 | 1, 0b0101_0101, 2 << 1, 0}
	binary.LittleEndian.PutUint32(levels, uint32(len(levels)-4))
	bitmap, n, _, err := presence(nil, levels, 13)
	if err != nil || n != 7 || !bytes.Equal(bitmap, []byte{0b1010_1111, 0b0000_0010}) {
		t.Errorf("bitmap %08b, %d values, %v", bitmap, n, err)
	}
}

// deltaInputs are integers as far apart as can be, and as near.
func deltaInputs() [][]int64 {
	rng := rand.New(rand.NewPCG(5, 6))
	inputs := [][]int64{{0}, {-1 << 63, 1<<63 - 1, 0, -1 << 63}, slices.Repeat([]int64{7}, 1000)}
	for range 300 {
		v := make([]int64, 1+rng.IntN(700))
		shift, step := rng.IntN(64), int64(1)<<rng.IntN(8)
		for i := range v {
			v[i] = int64(rng.Uint64()>>shift) / step * step
			if i > 0 && shift > 20 {
				v[i] += v[i-1]
			}
		}
		inputs = append(inputs, v)
	}
	return inputs
}

func TestDeltasComeBack(t *testing.T) {
	var referee delta.BinaryPackedEncoding
	for _, v := range deltaInputs() {
		bits, err := appendBitDeltas(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"bits": bits, "bytes": appendByteDeltas(nil, v)} {
			got := make([]int64, len(v))
			if err := decodeDeltas(got, padded(b)); err != nil || !slices.Equal(got, v) {
				t.Fatalf("%s: got %v, %v, want %v", name, got, err, v)
			}
			if theirs, err := referee.DecodeInt64(nil, b); err != nil || !slices.Equal(theirs, v) {
				t.Fatalf("%s: parquet-go reads %v, %v, want %v", name, theirs, err, v)
			}
		}
	}
}

func TestIndexBeyondTheDictionaryIsAnError(t *testing.T) {
	var z Decompressor
	for _, entries := range []int{2, 4, 16, 256, 1 << 16, 1 << 20} {
		dictionary := make([]int32, entries-1)
		indices := []uint32{0, 1, uint32(entries - 1), 0, 1}
		b := padded(appendIndices(nil, indices, false, indexWidth(entries)))
		for _, bitmap := range [][]byte{nil, {0b1101_1100}} {
			out := make([]int32, 5)
			if bitmap != nil {
				out = make([]int32, 8)
			}
			if err := readIndices(&z, values{count: 5, bitmap: bitmap, body: b}, dictionary, -1, out); err == nil {
				t.Errorf("dictionary of %d: no error for index %d", entries-1, entries-1)
			}
		}
	}
}

func TestFooterThatClaimsTooMuchIsRefused(t *testing.T) {
	b, err := thrift.Marshal(&protocol, &format.FileMetaData{RowGroups: make([]format.RowGroup, 3),
		KeyValueMetadata: []format.KeyValue{{Key: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkThrift(append(bytes.Clone(b), 0)); err == nil {
		t.Error("no error for a byte too many")
	}
	for n := range len(b) {
		if checkThrift(b[:n]) == nil {
			t.Errorf("no error for %d bytes of %d", n, len(b))
		}
	}
	// field 4, a list of 2^31-1 structs, and nothing in it
	if err := checkThrift([]byte{0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0}); err == nil {
		t.Error("no error for two billion row groups")
	}
}

// FuzzPage decodes page bodies without the checksum that keeps damage away from the decoders.
func FuzzPage(f *testing.F) {
	f.Add(uint16(13), true, []byte{5, 0, 0, 0, 3 << 1, 1, 1<<1 | 1, 0b0101_0101, 2 << 1, 4, 3 << 1, 5})
	f.Add(uint16(100), false, appendIndices(nil, []uint32{1, 2, 3}, false, 16))
	for _, v := range deltaInputs()[:20] {
		b, _ := appendBitDeltas(nil, v)
		f.Add(uint16(len(v)), false, b)
	}
	f.Fuzz(func(t *testing.T, rows uint16, optional bool, b []byte) {
		if rows == 0 {
			return
		}
		var z Decompressor
		v := values{count: int(rows), body: padded(b)}
		if optional {
			var err error
			if z.bitmap, v.count, v.body, err = presence(z.bitmap, v.body, int(rows)); err != nil {
				return
			}
			if v.count < int(rows) {
				v.bitmap = z.bitmap
			}
		}
		if v.count == 0 {
			return
		}
		_ = readDeltas(&z, v, -1, make([]int64, rows))
		for _, entries := range []int{1, 7, 300, 70000} {
			_ = readIndices(&z, v, make([]int32, entries), -1, make([]int32, rows))
			_ = readIndices(&z, v, make([]uint8, entries), 0, make([]uint8, rows))
		}
	})
}

// FuzzMetadata checks that what passes the check is decoded without a panic or all memory.
func FuzzMetadata(f *testing.F) {
	b, err := thrift.Marshal(&protocol,
		&format.FileMetaData{Schema: schema([]Column{{Name: "a"}, {Name: "b", Type: String, Optional: true}}),
			RowGroups: make([]format.RowGroup, 2)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkThrift(b) != nil {
			return
		}
		var m format.FileMetaData
		_ = thrift.NewDecoder(protocol.NewReaderFromBytes(bytes.Clone(b))).Decode(&m)
	})
}
