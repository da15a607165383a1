package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/policy"
)

// newPolicyTopic makes `gosched help policy`.
func newPolicyTopic() *cobra.Command {
	return &cobra.Command{Use: "policy", Short: "The keys of a policy file for gosched record", Long: policyText()}
}

// policyText is every key of a policy with the text of its flag.
func policyText() string {
	var b strings.Builder
	b.WriteString(`A policy file says how a machine is recorded: gosched record --policy policy.yaml. It is
YAML; each key stands for a flag of record and takes what that takes, a list where the
flag may be repeated. A key that is not known is refused. A flag on the command line holds
instead of the file's. gosched check --policy policy.yaml explains a file.

  version: 1   of the file, always there
`)
	flags := recordCommand(new(recordOptions)).Flags()
	for _, s := range policy.Keys() {
		fmt.Fprintf(&b, "  %s\n      %s\n", s.Key, wrapped(flagText(flags.Lookup(s.Flag)), 6))
	}
	return b.String()
}

// flagText is what a flag's help says, without the marks around the name of its value.
func flagText(flag *pflag.Flag) string { return strings.ReplaceAll(flag.Usage, "`", "") }
