// Package policy reads the file that says how a machine is recorded: what, at which cost, what is
// kept, what saves it. Each of its keys is a flag of the record command, and takes what that flag
// takes; what a value means, and whether it is one, only the flag knows.
package policy

import (
	"fmt"
	"io"
	"reflect"

	"github.com/gosched/gosched/internal/yamlfile"
)

// version is that of the file.
const version = 1

// file is a policy as it is written. The tag flag names the flag that a key stands for.
type file struct {
	Version   int       `yaml:"version"`
	Processes processes `yaml:"processes"`
	Watch     watch     `yaml:"watch"`
	Budget    budget    `yaml:"budget"`
	Keep      keep      `yaml:"keep"`
	Triggers  triggers  `yaml:"triggers"`
	Metrics   *string   `yaml:"metrics" flag:"metrics"`
}

// processes are those that are recorded. Of one key any value will do; a process must satisfy each
// key that there is.
type processes struct {
	Cgroup    []string `yaml:"cgroup" flag:"cgroup"`
	Container []string `yaml:"container" flag:"container"`
	Comm      []string `yaml:"comm" flag:"comm"`
	Exe       []string `yaml:"exe" flag:"exe"`
	AllGo     *string  `yaml:"all-go" flag:"all-go"`
}

// watch is what is looked at.
type watch struct {
	For        []string `yaml:"for" flag:"for"`
	Without    []string `yaml:"without" flag:"without"`
	StackDepth *string  `yaml:"stack-depth" flag:"stack-depth"`
	CPUSamples *string  `yaml:"cpu-samples" flag:"cpu-samples"`
	Sample     *string  `yaml:"sample" flag:"sample"`
	SampleCPU  *string  `yaml:"sample-cpu" flag:"sample-cpu"`
	Seed       *string  `yaml:"seed" flag:"seed"`
}

// budget is what recording may cost.
type budget struct {
	MaxOverhead      *string `yaml:"max-overhead" flag:"max-overhead"`
	KillSwitch       *string `yaml:"kill-switch" flag:"kill-switch"`
	OffAtMemoryStall *string `yaml:"off-at-memory-stall" flag:"off-at-memory-stall"`
	OffAtMemoryUse   *string `yaml:"off-at-memory-use" flag:"off-at-memory-use"`
	OffAtThrottling  *string `yaml:"off-at-throttling" flag:"off-at-throttling"`
}

// keep is what stays on the disk.
type keep struct {
	Last        *string `yaml:"last" flag:"keep"`
	Bytes       *string `yaml:"bytes" flag:"keep-bytes"`
	Retain      *string `yaml:"retain" flag:"retain"`
	RetainBytes *string `yaml:"retain-bytes" flag:"retain-bytes"`
	RetainAge   *string `yaml:"retain-age" flag:"retain-age"`
}

// triggers are what saves it.
type triggers struct {
	Rules    []string `yaml:"rules" flag:"trigger"`
	After    *string  `yaml:"after" flag:"after"`
	Limit    *string  `yaml:"limit" flag:"trigger-limit"`
	Distance *string  `yaml:"distance" flag:"trigger-distance"`
	Control  *string  `yaml:"control" flag:"control"`
}

// Setting is a key of a policy.
type Setting struct {
	Key    string   // as the file has it: "budget.max-overhead"
	Flag   string   // the flag that it stands for
	Values []string // as the file has them
}

// Parse reads a policy. The settings are those that the file has, in the order of Keys.
func Parse(r io.Reader) ([]Setting, error) {
	var f file
	if err := yamlfile.Read(r, &f); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if f.Version != version {
		return nil, fmt.Errorf("read policy: version is %d; this gosched reads version %d", f.Version, version)
	}
	var given []Setting
	for _, s := range settings("", reflect.ValueOf(f)) {
		if s.Values != nil {
			given = append(given, s)
		}
	}
	return given, nil
}

// Keys are all that a policy can have, without values.
func Keys() []Setting { return settings("", reflect.ValueOf(file{})) }

// settings are the keys below one.
func settings(above string, of reflect.Value) (all []Setting) {
	for i := range of.NumField() {
		field, value := of.Type().Field(i), of.Field(i)
		key := above + field.Tag.Get("yaml")
		switch flag := field.Tag.Get("flag"); {
		case value.Kind() == reflect.Struct:
			all = append(all, settings(key+".", value)...)
		case flag != "":
			all = append(all, Setting{key, flag, values(value)})
		}
	}
	return all
}

// values are a key's values; nil: the file does not have it.
func values(of reflect.Value) []string {
	switch v := of.Interface().(type) {
	case []string:
		return v
	case *string:
		if v != nil {
			return []string{*v}
		}
	}
	return nil
}
