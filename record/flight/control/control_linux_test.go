package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/record/flight"
)

// fake is a recorder that takes every trigger but one.
type fake struct{ asked []string }

func (f *fake) Status() Status {
	return Status{PIDs: []int{os.Getpid()}, Dir: "/d", Rules: []string{}, Counts: flight.Counts{Saved: 3}}
}

func (f *fake) Trigger(reason string) (string, error) {
	f.asked = append(f.asked, reason)
	if reason == "too often" {
		return "", errors.New("6/h have been saved")
	}
	return "/d/saved-x", nil
}

func listen(t *testing.T) (string, *fake) {
	t.Helper()
	path, f := filepath.Join(t.TempDir(), SocketName), new(fake)
	s, err := Listen(path, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("the socket is still there")
		}
	})
	return path, f
}

func TestARecorderAnswersItsOwnUser(t *testing.T) {
	path, f := listen(t)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	ctx := t.Context()
	for _, c := range []*Client{Dial(path), Dial(filepath.Dir(path))} {
		if s, err := c.Status(ctx); err != nil || s.Version != Version || s.Counts.Saved != 3 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	c := Dial(path)
	if a, err := c.Trigger(ctx, Request{Reason: "error rate"}); err != nil || a.Saved != "/d/saved-x" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := c.Trigger(ctx, Request{Reason: "too often"}); err == nil || err.Error() != "6/h have been saved" {
		t.Errorf("error %v", err)
	}
	if _, err := c.Trigger(ctx, Request{Reason: "a\x1b[31m"}); !errors.Is(err, ErrRequest) {
		t.Errorf("error %v", err)
	}
	if fmt.Sprint(f.asked) != "[error rate too often]" {
		t.Errorf("asked %q", f.asked)
	}
	if found, err := Find(ctx, os.Getpid()); err != nil || found.path != path {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := Find(ctx, 1<<22+1); err == nil || !strings.Contains(err.Error(), "no flight recorder") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	path, f := listen(t)
	for _, c := range []struct{ asked, want string }{
		{"POST /trigger HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\n{\"a\":", "400"},
		{"POST /trigger HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\n{\"b\":\"c\"}", "400"},
		{"POST /trigger HTTP/1.1\r\nHost: g\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat(" ", 5000), "400"},
		{"GET /trigger HTTP/1.1\r\nHost: g\r\n\r\n", "405"},
		{"GET /../etc/passwd HTTP/1.1\r\nHost: g\r\n\r\n", "HTTP/1.1 "},
		{"hello\r\n\r\n", "400"},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Write([]byte(c.asked)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 512)
		n, err := conn.Read(answer)
		text := string(answer[:n])
		if err != nil || !strings.Contains(text, c.want) || strings.Contains(text, " 200 ") {
			t.Errorf("%.30q: %.60q, %v; want %s", c.asked, answer[:n], err, c.want)
		}
		conn.Close()
	}
	if len(f.asked) > 0 {
		t.Errorf("asked %q", f.asked)
	}
}

func TestASocketThatNobodyListensOnIsReplaced(t *testing.T) {
	path, _ := listen(t)
	if _, err := Listen(path, new(fake)); err == nil || !strings.Contains(err.Error(), "another recorder listens") {
		t.Errorf("error %v", err)
	}
	stale := filepath.Join(t.TempDir(), SocketName)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	s, err := Listen(stale, new(fake))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	file := filepath.Join(t.TempDir(), SocketName)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, new(fake)); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("error %v", err)
	}
	if _, err := Listen("/"+strings.Repeat("x", 200), new(fake)); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("error %v", err)
	}
}

func TestNoRecorderIsToldInASentence(t *testing.T) {
	_, err := Dial(filepath.Join(t.TempDir(), "none.sock")).Status(context.Background())
	if err == nil || !strings.Contains(err.Error(), "ask the recorder at") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"reason":"error rate"}`))
	f.Add([]byte(``))
	f.Add([]byte(`{"reason":"a"} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeRequest(data)
		if err != nil {
			if !errors.Is(err, ErrRequest) || r != (Request{}) && len(r.Reason) <= maxReason && r.check() == nil {
				t.Errorf("%q: %+v, %v", data, r, err)
			}
			return
		}
		if r.check() != nil {
			t.Errorf("%q is taken as %+v", data, r)
		}
	})
}
