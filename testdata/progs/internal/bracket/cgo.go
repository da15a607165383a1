//go:build forcecgo

package bracket

import "C" // links the C runtime into a program that has no C of its own
