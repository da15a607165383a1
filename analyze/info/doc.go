// Package info says what a trace is: how it was recorded, how long, what happened in it how often,
// what it can and cannot answer, and what was lost.
package info
