#include "textflag.h"

// func trapped()
TEXT ·trapped(SB), NOSPLIT, $0-0
	BYTE $0x90 // NOP, which every kernel emulates
	RET

// func trappedPC() uintptr
TEXT ·trappedPC(SB), NOSPLIT, $0-8
	LEAQ ·trapped(SB), AX
	MOVQ AX, ret+0(FP)
	RET
