package keep

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// maxOthers is how many triggers a trace that is being saved names beside its own.
const maxOthers = 16

// save is a trace that is being saved.
type save struct {
	cause      flight.Cause
	name       string // of the folder, once it is whole
	suppressed int64  // triggers before it
	others     []format.Trigger
	failed     error
}

// making is the name of the folder while it is not whole.
func (s *save) making() string { return "." + s.name }

// Trigger asks for what is kept to be saved, with what follows. It says the folder that it will be
// in, or why it will not.
func (k *Keeper) Trigger(cause flight.Cause) (name string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Triggers++
	for _, s := range []*save{k.request, k.saving} {
		if s == nil {
			continue
		}
		k.gate.Suppress()
		if len(s.others) < maxOthers {
			s.others = append(s.others, format.Trigger{
				Trigger: cause.Trigger, Evidence: cause.Evidence, TriggeredNS: cause.At.UnixNano(),
			})
		}
		return s.name, nil
	}
	if k.over {
		return "", errors.New("the recording has ended")
	}
	before := k.gate.Suppressed()
	if !cause.Always {
		if err := k.gate.Pass(cause.At); err != nil {
			return "", fmt.Errorf("nothing is saved: %w", err)
		}
	}
	k.request = &save{cause: cause, name: savedName(cause), suppressed: before}
	return k.request.name, nil
}

// savedName is the folder's name of a trace: when, and why.
func savedName(cause flight.Cause) string {
	return savedStart + cause.At.UTC().Format(savedTime) + "-" + strings.ReplaceAll(cause.Name, ".", "_")
}

const (
	savedStart = "saved-"
	savedTime  = "20060102T150405.000Z"
)

// savedPattern is what names of saved folders look like.
var savedPattern = regexp.MustCompile(`^saved-(\d{8}T\d{6}\.\d{3}Z)-[a-z0-9_-]{1,100}$`)

// beginSaving begins to save where that was asked for: what is kept now is in.
func (k *Keeper) beginSaving() {
	k.mu.Lock()
	s := k.request
	if k.request = nil; s != nil {
		k.saving = s
	}
	k.mu.Unlock()
	if s == nil {
		return
	}
	k.config.Note(fmt.Sprintf("saving %s: %s", s.name, s.cause.Text()))
	s.failed = k.folder.mkdir(s.making())
	if s.failed != nil {
		return
	}
	if k.head != nil {
		k.addToSave(format.SegmentName(k.head.number))
	}
	for _, kept := range k.kept {
		k.addToSave(format.SegmentName(kept.number))
	}
}

// addToSave has a file that is kept be part of the trace that is being saved. What goes wrong with
// that is told when the trace is over.
func (k *Keeper) addToSave(name string) {
	if s := k.saving; s != nil && s.failed == nil {
		s.failed = k.folder.link(name, filepath.Join(s.making(), name))
	}
}

// saveEnds says whether all that is to be in the trace that is being saved has been written.
func (k *Keeper) saveEnds() bool {
	return k.saving != nil && k.upTo >= k.saving.cause.At.Add(k.config.After).UnixNano()
}

// endSaving ends the trace that is being saved, at a time.
func (k *Keeper) endSaving(meta format.Metadata, endNS int64) {
	k.mu.Lock()
	s := k.saving
	k.saving = nil
	k.mu.Unlock()
	if s == nil {
		return
	}
	if s.failed == nil {
		s.failed = k.writeTail(s, meta, endNS)
	}
	k.savedAll.Go(func() { k.complete(s) })
}

// endSaved is the end reason of a trace that was saved while the recording went on.
const endSaved = "saved while the recording goes on"

func (k *Keeper) writeTail(s *save, meta format.Metadata, endNS int64) error {
	if meta.EndNS == 0 {
		meta.EndReason = endSaved
	}
	meta.EndNS = endNS
	meta.Saved = &format.Saved{
		Trigger: s.cause.Trigger, Evidence: s.cause.Evidence, TriggeredNS: s.cause.At.UnixNano(),
		RecordingNS: meta.StartNS, Others: s.others, Suppressed: s.suppressed,
	}
	f, err := k.folder.create(filepath.Join(s.making(), format.SegmentName(k.number)))
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(f)
	if _, err = k.segs.Tail(buf, meta, k.number); err == nil {
		err = buf.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// complete has a saved trace be on the disk, and appear.
func (k *Keeper) complete(s *save) {
	err := s.failed
	if err == nil {
		err = k.folder.sync(s.making())
	}
	if err == nil {
		err = k.folder.root.Rename(s.making(), s.name)
	}
	path := filepath.Join(k.folder.path, s.name)
	if err != nil {
		k.folder.remove(s.making()) // as far as that can be done: the next recorder tries again
		k.count(func(c *flight.Counts) { c.Failed++ })
		k.config.Note(fmt.Sprintf("%s could not be saved: %v", path, err))
	} else {
		k.count(func(c *flight.Counts) { c.Saved++ })
		k.config.Note("saved " + path)
	}
	k.config.Saved(path, err)
	k.retain()
}
