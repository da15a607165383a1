// Package flat reads and writes flat Parquet files: one table, no nesting,
// columns of int32, int64 and strings. It works on whole pages, and knows
// nothing of what a column means.
//
// parquet-go supplies the footer's structures, their Thrift encoding and the
// delta encoding. Pages are put together here, because an event must cost a few
// nanoseconds a column: the callers have dictionary indices, never rows, and
// every page of a row group is cut at the same row in every column.
//
// # Size
//
// Each encoding is here twice, to write and to read, and the two are tested against each other;
// files, groups, chunks and pages are as Parquet has them.
package flat

import (
	"errors"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Type is the physical type of a column.
type Type uint8

// The types of columns.
const (
	Int32 Type = iota
	Int64
	String
)

// Column is a column of a file's schema.
type Column struct {
	Name     string
	Type     Type
	Optional bool // the column may hold nulls
}

// ErrCorrupt is wrapped by every error that means that a file's bytes are not what a writer can
// have written.
var ErrCorrupt = errors.New("corrupt file")

// Limits on what a file may ask a reader to hold in memory. A writer stays far below them.
const (
	MaxPageRows  = 1 << 20
	MaxPageBytes = 64 << 20
	MaxColumns   = 256

	maxFooterBytes = 64 << 20
)

const magic = "PAR1"

var protocol thrift.CompactProtocol

// physical gives the Parquet type of each Type.
var physical = [...]format.Type{Int32: format.Int32, Int64: format.Int64, String: format.ByteArray}

// element is the column as the footer's schema names it.
func (c Column) element() format.SchemaElement {
	e := format.SchemaElement{
		Name:           c.Name,
		Type:           thrift.New(physical[c.Type]),
		RepetitionType: thrift.New(format.Required),
	}
	if c.Optional {
		e.RepetitionType = thrift.New(format.Optional)
	}
	if c.Type == String {
		e.ConvertedType = thrift.New(deprecated.UTF8)
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
	}
	return e
}

// schema is the footer's schema for columns.
func schema(columns []Column) []format.SchemaElement {
	elements := []format.SchemaElement{{
		Name:        "event",
		NumChildren: thrift.New(int32(len(columns))),
	}}
	for _, c := range columns {
		elements = append(elements, c.element())
	}
	return elements
}
