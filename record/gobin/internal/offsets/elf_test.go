package offsets

import (
	"encoding/binary"
	"slices"
	"testing"
)

// unit is a unit of DWARF of a version, with so many bytes after its length.
func unit(version uint16, kind byte, n int, long bool) []byte {
	var out []byte
	if long {
		out = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, 0xffffffff), uint64(n))
	} else {
		out = binary.LittleEndian.AppendUint32(nil, uint32(n))
	}
	out = append(binary.LittleEndian.AppendUint16(out, version), kind)
	return append(out, make([]byte, n-3)...)
}

func TestUnitsAreFoundByTheirLengths(t *testing.T) {
	info := slices.Concat(unit(4, 0, 40, false), unit(5, 1, 50, false), unit(5, 4, 60, true),
		unit(4, 0, 100, false)[:90])
	units, whole := unitsOf(info)
	if want := []int{11, 44 + 12, 44 + 54 + 32}; len(units) != len(want) || int(units[0]) != want[0] ||
		int(units[1]) != want[1] ||
		int(units[2]) != want[2] {
		t.Errorf("first entries at %v, want %v", units, want)
	}
	if whole != 44+54+72 {
		t.Errorf("the units that are whole end at %d", whole)
	}
	cut := slices.Concat(info[:whole], cutUnit(info[whole:]))
	if units, whole := unitsOf(cut); len(units) != 4 || whole != len(cut) {
		t.Errorf("the cut unit is not one: %v, %d", units, whole)
	}
}

func FuzzUnits(f *testing.F) {
	f.Add(unit(4, 0, 40, false))
	f.Add(unit(5, 6, 70, true))
	f.Add(slices.Concat(unit(4, 0, 40, false), unit(4, 0, 200, true)[:100]))
	f.Fuzz(func(t *testing.T, info []byte) {
		units, whole := unitsOf(info)
		if whole > len(info) {
			t.Fatalf("units of %d bytes in %d", whole, len(info))
		}
		for i, u := range units {
			if int(u) >= whole || i > 0 && u <= units[i-1] {
				t.Fatalf("first entries at %v in %d bytes", units, whole)
			}
		}
		if cut := cutUnit(info[whole:]); cut != nil {
			if _, end := unitsOf(cut); end != 0 && end > len(cut) {
				t.Fatalf("a cut unit of %d bytes ends at %d", len(cut), end)
			}
		}
		data := map[string][]byte{"abbrev": {1, 0x11, 1, 3, 8, 0, 0, 0}}
		_, _, _ = parseKeys(data, info, true, Query{Keys: Keys})
		_, _, _ = parseKeys(data, info, false, Query{Keys: Keys})
	})
}
