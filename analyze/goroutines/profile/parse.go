package profile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// MaxBytes is how large a profile may be, and what it may unpack to.
const MaxBytes = 256 << 20

// maxLineBytes bounds a line of text.
const maxLineBytes = 1 << 20

var errTooLarge = fmt.Errorf("it is larger than %d MiB", MaxBytes>>20)

// Parse reads a profile in any encoding, which it finds out from the beginning.
func Parse(r io.Reader) (*Profile, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if data, err = unpack(data); err != nil {
			return nil, err
		}
	}
	switch {
	case len(data) == 0:
		return nil, errors.New("it is empty")
	case countedHeader.Match(firstLine(data)):
		return parseCounted(data)
	case dumpHeader.Match(data):
		return parseDump(data)
	case isText(data):
		return nil, errors.New("it is text, and neither a goroutine profile with debug=1 nor one with debug=2")
	}
	return parseProtobuf(data)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, errTooLarge
	}
	return data, nil
}

func unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	if len(out) > MaxBytes {
		return nil, errTooLarge
	}
	return out, nil
}

var (
	countedHeader = regexp.MustCompile(`^(\w+) profile: total (\d+)`)
	dumpHeader    = regexp.MustCompile(`(?m)^goroutine \d+ .*\[[^\n]*\](?: \{[^\n]*\})?:\r?$`)
)

func firstLine(data []byte) []byte {
	line, _, _ := bytes.Cut(data[:min(len(data), 256)], []byte("\n"))
	return line
}

// isText says whether data begins as no protobuf does: with printable characters alone.
func isText(data []byte) bool {
	for _, c := range data[:min(len(data), 64)] {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// lines calls f with each line and its number, from 1.
func lines(data []byte, f func(n int, line string) error) error {
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, maxLineBytes)
	n := 0
	for s.Scan() {
		n++
		if err := f(n, s.Text()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}
