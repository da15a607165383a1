package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/gosched/gosched/record/flight"
)

// Version is the version of the documents.
const Version = 1

// Status is how a recorder is.
type Status struct {
	Version int           `json:"version"`
	PIDs    []int         `json:"pids"`  // of the processes, as the recorder's namespace numbers them
	Dir     string        `json:"dir"`   // where it keeps and saves
	Rules   []string      `json:"rules"` // when it saves by itself
	Counts  flight.Counts `json:"counts"`
}

// Request asks for what is kept to be saved.
type Request struct {
	Reason string `json:"reason"` // why, for the trace's metadata; may be empty
}

// Answer says what became of a request.
type Answer struct {
	Version int    `json:"version"`
	Saved   string `json:"saved,omitempty"` // the folder that the trace will be in, once it is whole
	Error   string `json:"error,omitempty"` // why there is none
}

// The bounds of a request.
const (
	maxRequest = 4 << 10
	maxReason  = 200
)

// ErrRequest is wrapped by errors about requests that are none.
var ErrRequest = errors.New("not a request")

// DecodeRequest reads a request. Nothing at all is one without a reason.
func DecodeRequest(data []byte) (r Request, err error) {
	if len(data) > maxRequest {
		return r, fmt.Errorf("%w: it has more than %d bytes", ErrRequest, maxRequest)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return r, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Request{}, fmt.Errorf("%w: something follows it", ErrRequest)
	}
	if err := r.check(); err != nil {
		return Request{}, err
	}
	return r, nil
}

// check finds what is wrong with a request. The reason is printed on terminals.
func (r *Request) check() error {
	if len(r.Reason) > maxReason {
		return fmt.Errorf("%w: the reason has more than %d bytes", ErrRequest, maxReason)
	}
	if strings.ContainsFunc(r.Reason, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return fmt.Errorf("%w: the reason has characters that cannot be printed", ErrRequest)
	}
	return nil
}
