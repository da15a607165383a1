package offsets

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// reader collects what keys ask for from DWARF.
type reader struct {
	d       *dwarf.Data
	query   Query
	size    int                     // more than there are entries
	structs map[string]dwarf.Offset // by name
	consts  map[string]int64
	arrays  map[string]dwarf.Offset // types of variables, by the variable's name
}

// Query says what to look for in debug information.
type Query struct {
	Keys []Key
	// Like has the numbers of a version like the executable's: what that lacks is not looked for
	// until the end. nil: everything is.
	Like Set
}

// packages are those that have what Keys ask for.
var packages = []string{"runtime", "internal/abi"}

// fromDWARF reads what is asked for from debug information of a size, whose units begin at the
// offsets. A missing struct or field is an error unless it is optional. complete says that more
// debug information would change nothing.
func fromDWARF(d *dwarf.Data, units []dwarf.Offset, size int, all bool, q Query) (s Set, complete bool, err error) {
	r := &reader{d, q, size, map[string]dwarf.Offset{}, map[string]int64{}, map[string]dwarf.Offset{}}
	for _, k := range q.Keys {
		if k.Array != "" {
			r.arrays[k.Array] = 0
		} else if k.Struct != "" {
			r.structs[k.Struct] = 0
		} else {
			for _, name := range k.Paths {
				r.consts[name] = Absent
			}
		}
	}
	for i := 0; i < len(units) && !complete; i++ {
		if complete, err = r.scan(units[i], all); err != nil {
			return nil, false, fmt.Errorf("read DWARF: %w", err)
		}
	}
	s = Set{}
	for _, k := range q.Keys {
		v, err := r.key(k)
		if err != nil {
			return nil, false, err
		}
		s[k.Name] = v
	}
	return s, complete, nil
}

// complete says whether everything was found that the version has.
func (r *reader) complete() bool {
	for _, k := range r.query.Keys {
		if r.query.Like[k.Name] != Absent && !r.found(k) {
			return false
		}
	}
	return true
}

// found says whether it is known where what the key is about is.
func (r *reader) found(k Key) bool {
	switch {
	case k.Array != "":
		return r.arrays[k.Array] != 0
	case k.Struct != "":
		return r.structs[k.Struct] != 0
	}
	return slices.ContainsFunc(k.Paths, func(name string) bool { return r.consts[name] != Absent })
}

// scan notes where in a unit the wanted structs and constants are. all says to look into units of
// other packages too. It is complete as soon as nothing is missing.
func (r *reader) scan(unit dwarf.Offset, all bool) (complete bool, err error) {
	rd := r.d.Reader()
	rd.Seek(unit)
	e, err := rd.Next()
	if err != nil || e == nil {
		return false, err
	}
	if name, _ := e.Val(dwarf.AttrName).(string); !all && !slices.Contains(packages, name) {
		return false, nil
	}
	for range r.size { // debug/dwarf stays where it is at the end of some damaged units
		e, err := rd.Next()
		if err != nil || e == nil || e.Tag == dwarf.TagCompileUnit {
			return false, err
		}
		if r.note(e) && r.complete() {
			return true, nil
		}
		if e.Children {
			rd.SkipChildren()
		}
	}
	return false, errNoEnd
}

// note keeps the entry if it is a wanted one, and says whether it is.
func (r *reader) note(e *dwarf.Entry) bool {
	name, _ := e.Val(dwarf.AttrName).(string)
	switch e.Tag {
	case dwarf.TagStructType:
		if at, ok := r.structs[name]; ok && at == 0 {
			r.structs[name] = e.Offset
			return true
		}
	case dwarf.TagVariable:
		if at, ok := r.arrays[name]; ok && at == 0 {
			r.arrays[name], _ = e.Val(dwarf.AttrType).(dwarf.Offset)
			return true
		}
	case dwarf.TagConstant:
		if _, ok := r.consts[name]; ok {
			if v, ok := e.Val(dwarf.AttrConstValue).(int64); ok {
				r.consts[name] = v
				return true
			}
		}
	}
	return false
}

var errNoEnd = errors.New("a unit does not end")

var errNoField = errors.New("no such field")

// key finds one key's value.
func (r *reader) key(k Key) (int64, error) {
	if k.Array != "" {
		return r.length(r.arrays[k.Array])
	}
	if k.Struct == "" {
		for _, name := range k.Paths {
			if v := r.consts[name]; v != Absent {
				return v, nil
			}
		}
		return 0, fmt.Errorf("DWARF has no constant %s", k.Paths[0])
	}
	at := r.structs[k.Struct]
	err := errNoField
	for _, path := range k.Paths {
		if at == 0 {
			break
		}
		var v int64
		if v, err = r.path(at, path, 0); err == nil {
			return v, nil
		}
		if !errors.Is(err, errNoField) {
			return 0, err
		}
	}
	if k.Optional {
		return Absent, nil
	}
	return 0, fmt.Errorf("DWARF lacks %s: %w", k.Name, err)
}

// length returns the length of the array type at an offset, Absent if there is none.
func (r *reader) length(at dwarf.Offset) (int64, error) {
	if at == 0 {
		return Absent, nil
	}
	rd := r.d.Reader()
	rd.Seek(at)
	for {
		e, err := rd.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return Absent, err
		}
		if n, ok := e.Val(dwarf.AttrCount).(int64); ok && e.Tag == dwarf.TagSubrangeType {
			return n, nil
		}
	}
}

// path resolves "sched.pc" in the struct at an offset. The depth bounds typedefs of typedefs in
// damaged files.
func (r *reader) path(at dwarf.Offset, path string, depth int) (int64, error) {
	if depth > 16 {
		return 0, errNoField
	}
	rd := r.d.Reader()
	rd.Seek(at)
	e, err := rd.Next()
	if err != nil || e == nil {
		return 0, errors.Join(errNoField, err)
	}
	if inner, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok && e.Tag == dwarf.TagTypedef && inner != at {
		return r.path(inner, path, depth+1)
	}
	if path == "" {
		size, ok := e.Val(dwarf.AttrByteSize).(int64)
		if !ok {
			return 0, errNoField
		}
		return size, nil
	}
	head, rest, nested := strings.Cut(path, ".")
	m, err := member(rd, head)
	if err != nil {
		return 0, err
	}
	off, ok1 := m.Val(dwarf.AttrDataMemberLoc).(int64)
	typ, ok2 := m.Val(dwarf.AttrType).(dwarf.Offset)
	if !ok1 || !ok2 {
		return 0, errNoField
	}
	if !nested {
		return off, nil
	}
	inner, err := r.path(typ, rest, depth+1)
	return off + inner, err
}

// member finds a field among the children that rd reads next.
func member(rd *dwarf.Reader, name string) (*dwarf.Entry, error) {
	for {
		e, err := rd.Next()
		if err != nil {
			return nil, err
		}
		if e == nil || e.Tag == 0 {
			return nil, errNoField
		}
		if n, _ := e.Val(dwarf.AttrName).(string); e.Tag == dwarf.TagMember && n == name {
			return e, nil
		}
		if e.Children {
			rd.SkipChildren()
		}
	}
}
