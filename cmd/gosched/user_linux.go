package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/gosched/gosched/record/target"
)

// credential is a user with its groups, by name or number; nil for "". A user that the caller
// may not become is an error.
func credential(name string) (*target.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return nil, fmt.Errorf("--user: there is no user %q", name)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("--user: groups of %s: %w", name, err)
	}
	ids := []string{u.Uid, u.Gid}
	numbers := make([]uint32, 0, len(ids)+len(groups))
	for _, id := range append(ids, groups...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--user: %s has the id %q: %w", name, id, err)
		}
		numbers = append(numbers, uint32(n))
	}
	if uid := os.Geteuid(); uid != 0 && int(numbers[0]) == uid {
		return nil, nil // it is who we are, and only root may set its groups anew
	}
	if err := target.CheckBecoming(int(numbers[0])); err != nil {
		return nil, err
	}
	return &target.Credential{UID: numbers[0], GID: numbers[1], Groups: numbers[2:]}, nil
}
