package flat

import (
	"encoding/binary"
	"fmt"
)

// Element types of Thrift's compact protocol.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12

	thriftDepth = 16
)

// thriftPath is the ids of the fields that lead to a value, a byte each.
type thriftPath uint64

// minStruct is the least number of bytes that a struct in the list at a path
// is encoded in. The big ones are named, for they are what makes a decoder's
// memory many times larger than its input.
var minStruct = map[thriftPath]int{
	0x04:   48, // FileMetaData.row_groups
	0x0401: 24, // RowGroup.columns
}

const minOtherStruct = 3

// checkThrift walks a struct in Thrift's compact protocol without decoding it.
// A decoder makes room for as many list elements as the list's header claims,
// so the claims must be true before it is let loose on them.
func checkThrift(b []byte) error {
	rest, err := skipStruct(b, 0, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many in metadata", ErrCorrupt, len(rest))
	}
	return err
}

func skipStruct(b []byte, path thriftPath, depth int) ([]byte, error) {
	if depth > thriftDepth {
		return nil, fmt.Errorf("%w: metadata nested too deep", ErrCorrupt)
	}
	var id byte
	for {
		if len(b) == 0 {
			return nil, errThriftCut()
		}
		head := b[0]
		b = b[1:]
		if head == 0 {
			return b, nil
		}
		var err error
		if id += head >> 4; head>>4 == 0 { // the field's id follows
			v, n := binary.Varint(b)
			if n <= 0 {
				return nil, errThriftCut()
			}
			id, b = byte(v), b[n:]
		}
		if t := head & 15; t != thriftTrue && t != thriftFalse { // whose value is the type
			if b, err = skipValue(b, t, path<<8|thriftPath(id), depth); err != nil {
				return nil, err
			}
		}
	}
}

func skipValue(b []byte, t byte, path thriftPath, depth int) ([]byte, error) {
	switch t {
	case thriftTrue, thriftFalse, thriftByte:
		return skipBytes(b, 1)
	case thriftI16, thriftI32, thriftI64:
		return skipVarint(b)
	case thriftDouble:
		return skipBytes(b, 8)
	case thriftBinary:
		n, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, errThriftCut()
		}
		return skipBytes(b[k:], n)
	case thriftList, thriftSet:
		return skipList(b, path, depth+1)
	case thriftStruct:
		return skipStruct(b, path, depth+1)
	}
	return nil, fmt.Errorf("%w: metadata of unknown type %d", ErrCorrupt, t)
}

func skipList(b []byte, path thriftPath, depth int) ([]byte, error) {
	if len(b) == 0 {
		return nil, errThriftCut()
	}
	n, t := uint64(b[0]>>4), b[0]&15
	b = b[1:]
	if n == 15 {
		var k int
		if n, k = binary.Uvarint(b); k <= 0 {
			return nil, errThriftCut()
		}
		b = b[k:]
	}
	least := 1
	if t == thriftStruct {
		least = max(minOtherStruct, minStruct[path])
	}
	if n > uint64(len(b)/least) {
		return nil, fmt.Errorf("%w: list of %d elements in %d bytes of metadata", ErrCorrupt, n, len(b))
	}
	for range n {
		rest, err := skipValue(b, t, path, depth)
		if err != nil {
			return nil, err
		}
		if len(b)-len(rest) < least {
			return nil, fmt.Errorf("%w: empty element in a list of metadata", ErrCorrupt)
		}
		b = rest
	}
	return b, nil
}

func skipVarint(b []byte) ([]byte, error) {
	_, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errThriftCut()
	}
	return b[n:], nil
}

func skipBytes(b []byte, n uint64) ([]byte, error) {
	if n > uint64(len(b)) {
		return nil, errThriftCut()
	}
	return b[n:], nil
}

func errThriftCut() error { return fmt.Errorf("%w: metadata cut off", ErrCorrupt) }
