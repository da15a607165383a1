package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SocketName is the socket's name in the folder of a flight recorder.
const SocketName = "control.sock"

// maxAnswer is the longest answer that a client reads.
const maxAnswer = 1 << 20

// Client speaks to a recorder.
type Client struct{ path string }

// Dial makes a client for a socket, or for the folder that it is in.
func Dial(path string) *Client {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, SocketName)
	}
	return &Client{path}
}

// Status asks how the recorder is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.ask(ctx, http.MethodGet, "/status", nil, &s)
}

// Trigger asks for what is kept to be saved.
func (c *Client) Trigger(ctx context.Context, r Request) (a Answer, err error) {
	if err := r.check(); err != nil {
		return a, err
	}
	err = c.ask(ctx, http.MethodPost, "/trigger", r, &a)
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}

func (c *Client) ask(ctx context.Context, method, what string, request, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var body bytes.Buffer
	if request != nil {
		if err := json.NewEncoder(&body).Encode(request); err != nil {
			return err
		}
	}
	asked, err := http.NewRequestWithContext(ctx, method, "http://gosched"+what, &body)
	if err != nil {
		return err
	}
	speaks := http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn,
		error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.path)
	}}
	got, err := speaks.RoundTrip(asked)
	if err != nil {
		return fmt.Errorf("ask the recorder at %s: %w", c.path, err)
	}
	defer got.Body.Close()
	if got.Header.Get("Server") != serverName {
		return fmt.Errorf("at %s is no flight recorder of gosched", c.path)
	}
	if err := json.NewDecoder(io.LimitReader(got.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read the answer of the recorder at %s: %w", c.path, err)
	}
	return nil
}

// maxCandidates is how many sockets are asked at most whether they are of a recorder.
const maxCandidates = 64

// Find finds the recorder of a process, among those in this network namespace that listen on a
// socket with the usual name.
func Find(ctx context.Context, pid int) (*Client, error) {
	paths, err := listening()
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		c := Dial(path)
		if s, err := c.Status(ctx); err == nil && slices.Contains(s.PIDs, pid) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no flight recorder was found that records process %d: name its folder, or its socket", pid)
}

// listening are the sockets with the usual name.
func listening() (paths []string, err error) {
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil, fmt.Errorf("look for recorders: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() && len(paths) < maxCandidates {
		fields := strings.Fields(lines.Text()) // Num RefCount Protocol Flags Type St Inode Path
		if len(fields) < 8 {
			continue
		}
		path := strings.Join(fields[7:], " ")
		if filepath.IsAbs(path) && filepath.Base(path) == SocketName && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths, lines.Err()
}
