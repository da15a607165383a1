package simsched

import (
	"encoding/binary"

	"github.com/gosched/gosched/format"
)

// EventBytes is how many bytes Any makes an event of; the first byte of all says what is covered.
const EventBytes = 12

// anyMissing may be missing from a trace that Any makes, by the bits of the first byte.
var anyMissing = [8]format.Transition{format.TransitionCreate, format.TransitionRun, format.TransitionPark,
	format.TransitionReady, format.TransitionYield, format.TransitionExit, format.TransitionSyscalls,
	format.TransitionKernel}

// anyKinds are the kinds of events that Any makes.
var anyKinds = [...]format.Kind{format.KindGoroutine, format.KindThread, format.KindRange, format.KindGap,
	format.KindSnapshot, format.KindLimit, format.KindRound}

// Any makes a trace of any bytes, as a fuzzer has them, legal or not: few ids, so that events meet,
// and now and then a wild one.
func Any(data []byte) *format.Memory {
	meta := format.Metadata{StartNS: 1000, Processes: []format.Process{{PID: 1, GOMAXPROCS: 2,
		Coverage: format.FullCoverage()}}}
	if len(data) > 0 {
		var missing []format.Transition
		for i, t := range anyMissing {
			if data[0]>>i&1 != 0 {
				missing = append(missing, t)
			}
		}
		meta.Processes[0].Coverage = format.CoverAllBut("", missing...)
		data = data[1:]
	}
	trace := format.NewMemory(meta)
	for _, s := range []string{format.ReasonPreempted.String(), format.ReasonGosched.String(),
		format.StopTheWorld("fuzz"),
		format.ReasonStopped.String(), format.Limit{Name: format.LimitProcs, Value: 1}.String()} {
		trace.Reasons().Intern(s)
		trace.Stacks().Intern("main." + s + " /f.go:1;main.g[struct { X int; Y int }] /f.go:2")
	}
	now := int64(1000)
	for ; len(data) >= EventBytes; data = data[EventBytes:] {
		now += int64(data[0])
		trace.Append(anyEvent(data, now))
	}
	return trace
}

func anyEvent(data []byte, now int64) format.Event {
	wild := func(b byte) int32 {
		if b == 0xff {
			return int32(binary.LittleEndian.Uint32(data[4:]))
		}
		return int32(b%5) - 1
	}
	e := format.NoEvent
	e.TimeNS, e.EndNS, e.Kind = now, now+int64(int8(data[1])), anyKinds[int(data[2])%len(anyKinds)]
	if data[1] == 0xff {
		e.TimeNS = int64(binary.LittleEndian.Uint64(data[4:]))
	}
	e.PID, e.TID, e.Proc, e.CPU = wild(data[3])%3, wild(data[4]), wild(data[5]), wild(data[6])
	e.GoID, e.ByGoID = format.GoID(wild(data[7])), format.GoID(wild(data[8]))
	e.From, e.To = format.State(data[9]%6), format.State(data[9]/6%6)
	e.Reason, e.Stack = format.StringID(data[10]%6), format.StringID(data[11]%6)
	e.ByStack, e.Weight = format.StringID(data[10]/6%6), int32(data[11]/6%4)
	return e
}

// AnySeeds are bytes for a fuzzer to begin with.
func AnySeeds() [][]byte {
	seeds := [][]byte{{}}
	for seed := range byte(8) {
		data := []byte{seed}
		for i := range 40 * EventBytes {
			data = append(data, byte(i*int(seed+3)*7+i/EventBytes))
		}
		seeds = append(seeds, data)
	}
	return seeds
}
