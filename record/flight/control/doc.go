// Package control takes triggers for a flight recorder on a socket in the file system, and says how
// it is. It is HTTP with JSON in both directions, so that curl speaks it:
//
//	curl --unix-socket DIR/control.sock http://gosched/status
//	curl --unix-socket DIR/control.sock -d '{"reason":"error rate"}' http://gosched/trigger
//
// GET /status answers with a Status. POST /trigger takes a Request, which may be empty, and answers
// with an Answer: 200 where a trace is saved, 429 where it is not because of a limit, 400 where the
// request is none. Only the recorder's own user, root, and the user who called sudo are answered:
// the kernel says who is at the other end. A request is small, and takes a few seconds at most.
package control
