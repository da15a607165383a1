package main

/*
static int twice(int x) { return 2 * x; }
*/
import "C"

func init() {
	if C.twice(21) != 42 {
		panic("C can not double")
	}
}
