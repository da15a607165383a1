package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gosched/gosched/analyze/compare/policy"
)

// DefaultPolicy is the policy file that is read if it is there.
const DefaultPolicy = "gosched.yaml"

// Policy reads a policy; "" is DefaultPolicy, or the default policy where there is no such file.
func Policy(path string) (*policy.Policy, error) {
	name := path
	if name == "" {
		name = DefaultPolicy
	}
	f, err := os.Open(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	judged, err := policy.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return judged, nil
}
