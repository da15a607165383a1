#include "textflag.h"

// func trapped()
TEXT ·trapped(SB), NOSPLIT, $0-0
	WORD $0xd503201f // NOP, which every kernel emulates
	RET

// func trappedPC() uintptr
TEXT ·trappedPC(SB), NOSPLIT, $0-8
	MOVD $·trapped(SB), R0
	MOVD R0, ret+0(FP)
	RET
