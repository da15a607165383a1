//go:build linux

package target

import (
	"fmt"
	"strconv"
	"strings"
)

// Mapping is a range of a process's memory.
type Mapping struct {
	Start, End uint64 // addresses, [Start, End)
	Offset     uint64 // of Start in the file
	Inode      uint64 // of the file, 0 for memory of no file
	Executable bool
	Path       string // of the file, as the process's mount namespace has it; "[stack]" and the like; "" for none
}

// Maps are the process's mappings by ascending address.
func (p *Process) Maps() ([]Mapping, error) {
	raw, err := p.read("maps")
	if err != nil {
		return nil, err
	}
	var maps []Mapping
	for line := range strings.Lines(string(raw)) {
		m, err := parseMapping(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", p.pid, err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// ExeMappings are the mappings of the process's executable by ascending address.
// They are recognised by path: on overlay file systems maps and stat disagree on
// the device.
func (p *Process) ExeMappings() ([]Mapping, error) {
	exe, err := p.ExePath()
	if err != nil {
		return nil, err
	}
	maps, err := p.Maps()
	if err != nil {
		return nil, err
	}
	var own []Mapping
	for _, m := range maps {
		if m.Inode != 0 && m.Path == exe {
			own = append(own, m)
		}
	}
	return own, nil
}

// parseMapping reads a line of /proc/PID/maps:
//
//	55d0c000-55d0e000 r-xp 00002000 08:02 173521   /usr/bin/program
//
// The path is the rest of the line and may hold spaces; the kernel writes a
// newline in it as \012.
func parseMapping(line string) (Mapping, error) {
	var fields [5]string
	rest := line
	for i := range fields {
		fields[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	from, to, ok := strings.Cut(fields[0], "-")
	start, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	offset, err3 := strconv.ParseUint(fields[2], 16, 64)
	inode, err4 := strconv.ParseUint(fields[4], 10, 64)
	if !ok || err1 != nil || err2 != nil || err3 != nil || err4 != nil || end < start {
		return Mapping{}, fmt.Errorf("parse maps: line %q", line)
	}
	return Mapping{
		Start: start, End: end, Offset: offset, Inode: inode,
		Executable: strings.Contains(fields[1], "x"),
		Path:       strings.ReplaceAll(strings.TrimLeft(rest, " "), `\012`, "\n"),
	}, nil
}
