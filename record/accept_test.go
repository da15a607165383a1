package record

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/gosched/gosched/record/gobin"
)

// A record of a process that could not be recorded, or is not any more, ends nobody's recording.
func TestAcceptOfNobody(t *testing.T) {
	event := make([]byte, byBytes)
	event[0] = byte(gobin.OpRun)
	binary.LittleEndian.PutUint16(event[30:], 21)
	stack := make([]byte, defBytes)
	stack[0] = byte(opStack)
	binary.LittleEndian.PutUint32(stack[4:], 21)
	for _, has := range []*subject{nil, {}} {
		s := &session{order: newOrderer(1, 0)}
		s.numbered[21] = has
		for _, raw := range [][]byte{event, stack} {
			if err := s.accept(0, raw); err != nil {
				t.Error(err)
			}
		}
		if n := s.order.pending(); n != 0 {
			t.Errorf("%d events", n)
		}
	}
}

// What one process after another is not recorded for is one reason.
func TestReasonsNameNoProcess(t *testing.T) {
	pid := os.Getpid()
	failed := fmt.Errorf("process %d of user 0: open /proc/%d/exe: %w", pid, pid, fs.ErrPermission)
	if got := reasonOf(pid, failed); got != "process of user 0: open /proc/PID/exe: permission denied" {
		t.Error(got)
	}
	const none = 1 << 30
	if got := reasonOf(none, fmt.Errorf("open /proc/%d/exe: %w", none, fs.ErrNotExist)); got != errEnded.Error() {
		t.Error(got)
	}
}
