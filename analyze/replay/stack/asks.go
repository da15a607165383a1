package stack

import (
	"slices"
	"strings"
)

// asking are functions that a goroutine calls to get something: who waits there waits for that, and
// not for work, however far up its stack that is.
var asking = [...]string{
	"database/sql.(*DB).conn",                // a connection, of those that SetMaxOpenConns allows
	"net/http.(*Transport).getConn",          // a connection, of those that MaxConnsPerHost allows
	"net/http.(*persistConn).roundTrip",      // the answer
	"golang.org/x/sync/errgroup.(*Group).Go", // a place below its limit
	"golang.org/x/sync/semaphore.(*Weighted).Acquire",
	"golang.org/x/sync/singleflight.(*Group).Do",
	"golang.org/x/time/rate.(*Limiter).Wait",
}

// Asks says whether one of a stack's frames is such a function.
func Asks(text string) bool {
	return slices.ContainsFunc(asking[:], func(name string) bool { return strings.Contains(text, name+" ") })
}
