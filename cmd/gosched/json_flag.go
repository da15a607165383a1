package main

import "github.com/spf13/cobra"

// documentVersion is the "version" of every JSON document that a command prints. It
// changes when a field changes its meaning or goes; fields may be added.
const documentVersion = 1

// jsonFlag adds the --json that every command has.
func jsonFlag(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "json", false, `print a JSON document with "version": 1`)
}
