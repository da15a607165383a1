// Package keep holds the last part of a recording in a folder, in segments, and saves it when asked:
// a flight recorder's memory on disk.
//
// # The folder
//
//	gosched-000120.parquet       the head: how things stood when what is kept begins
//	gosched-000121.parquet       a segment of half a second; and so on
//	gosched-000136.head          a head that will take the place of all up to 136
//	saved-20261127T211503Z-exit  a trace that was saved, a folder of segments with a head
//	control.sock                 where triggers are taken
//
// Files are made anew, are their owner's alone, and no symbolic link is followed to one. The folder
// is locked while a recorder uses it. At every moment it can be read as a trace, also after a
// kill -9; so can a saved one, which appears when it is whole.
//
// # Saving
//
// Nothing is copied: a saved trace has hard links to the segments that are kept and to those that
// follow, and where the file system has none, copies. Its head and its last segment are what make it
// a trace of its own: the goroutines' states at its beginning, and why it was saved.
//
// # Memory
//
// About 100 bytes for each goroutine alive, at most a million of them, and for each segment that is
// kept. The strings of stacks and reasons are those of the recording, which bounds them.
package keep
