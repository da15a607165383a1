//go:build !linux

package output

// HandOver is for who calls sudo to record with eBPF.
func HandOver(string) error { return nil }
