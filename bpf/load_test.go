package bpf

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
)

func TestLoad(t *testing.T) {
	spec, err := LoadGosched()
	if err != nil {
		t.Fatal(err)
	}
	spec.Programs["transition"].AttachType = ebpf.AttachTraceUprobeMulti
	spec.Maps["rings"].MaxEntries = 2
	off := GoschedOffsets{G_stackLo: 0}
	_ = off
	c, err := ebpf.NewCollection(spec)
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		t.Fatalf("%+v", ve)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
