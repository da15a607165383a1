package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Recorder is what a Server speaks for.
type Recorder interface {
	Status() Status
	// Trigger asks for what is kept to be saved. It says the folder that it will be in.
	Trigger(reason string) (saved string, err error)
}

// Server answers on a socket, until it is closed.
type Server struct {
	http http.Server
	done chan error
}

const (
	serverName = "gosched flight recorder"
	maxClients = 16
	patience   = 5 * time.Second
)

// Listen makes the socket, which only its owner can use, and answers. Who else may: uids.
func Listen(path string, r Recorder, uids ...int) (*Server, error) {
	path = filepath.Clean(path)
	if whole, err := filepath.Abs(path); err == nil && len(whole) <= maxPath {
		path = whole // by which Find finds it
	}
	if len(path) > maxPath {
		return nil, fmt.Errorf("the socket %s cannot be made: its name has more than %d bytes", path, maxPath)
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) }) // what is bound has it
		return errors.Join(err, failed)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("make the socket %s: %w", path, err)
	}
	s := &Server{done: make(chan error, 1)}
	s.http = http.Server{
		Handler: handler(r), ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience,
		MaxHeaderBytes: maxRequest,
	}
	go func() {
		s.done <- s.http.Serve(&listener{Listener: l, uids: uids, free: make(chan struct{}, maxClients)})
	}()
	return s, nil
}

// maxPath is how long a socket's name can be (Linux v6.18 include/uapi/linux/un.h, UNIX_PATH_MAX),
// without the zero at its end.
const maxPath = 107

// clearStale removes a socket that a recorder left which is no more.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the socket %s: %w", path, err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("make the socket %s: something else has that name", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("make the socket %s: another recorder listens there", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("make the socket %s: %w", path, err)
	}
	return os.Remove(path)
}

// Close ends the server and removes the socket.
func (s *Server) Close() error {
	err := s.http.Close()
	if ended := <-s.done; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// listener takes those who may speak, a few at a time.
type listener struct {
	net.Listener
	uids []int
	free chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		l.free <- struct{}{}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.free
			return nil, err
		}
		if l.may(c) {
			return &client{Conn: c, free: l.free}, nil
		}
		c.Close()
		<-l.free
	}
}

// may asks the kernel who is at the other end.
func (l *listener) may(c net.Conn) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || failed != nil {
		return false
	}
	uid := int(peer.Uid)
	for _, other := range l.uids {
		if uid == other {
			return true
		}
	}
	return uid == 0 || uid == os.Geteuid()
}

// client is a connection that counts.
type client struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

func (c *client) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.free })
	return err
}

func handler(r Recorder) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		status := r.Status()
		status.Version = Version
		reply(w, http.StatusOK, status)
	})
	mux.HandleFunc("POST /trigger", func(w http.ResponseWriter, asked *http.Request) {
		data, err := io.ReadAll(http.MaxBytesReader(w, asked.Body, maxRequest))
		var request Request
		if err == nil {
			request, err = DecodeRequest(data)
		}
		if err != nil {
			reply(w, http.StatusBadRequest, Answer{Version: Version, Error: err.Error()})
			return
		}
		saved, err := r.Trigger(request.Reason)
		if err != nil {
			reply(w, http.StatusTooManyRequests, Answer{Version: Version, Error: err.Error()})
			return
		}
		reply(w, http.StatusOK, Answer{Version: Version, Saved: saved})
	})
	return mux
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Server", serverName)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // who does not read it does not want it
}
