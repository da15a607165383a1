package insn

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

func TestAMD64(t *testing.T) {
	tests := []struct {
		code     string
		length   int
		kind     Kind
		emulated bool
		writes   Regs
		down     int64
	}{
		{"55", 1, Push, true, SP, 8},              // push rbp
		{"4157", 2, Push, true, SP, 8},            // push r15
		{"90", 1, Nop, true, 0, 0},                // nop
		{"6690", 2, Nop, false, 0, 0},             // a nop that older kernels refuse
		{"0f1f4000", 4, Nop, false, 0, 0},         // a nop that only newer kernels emulate
		{"7405", 2, CondJump, true, 0, 0},         // je
		{"0f8620010000", 6, CondJump, true, 0, 0}, // jbe
		{"eb10", 2, Jump, true, 0, 0},
		{"e900010000", 5, Jump, true, 0, 0},
		{"e800010000", 5, Call, true, All &^ SP, 0},
		{"ff10", 2, CallReg, false, All &^ SP, 0},        // call [rax]
		{"c3", 1, End, false, All &^ SP, 0},              // ret
		{"4889e5", 3, Other, false, FP, 0},               // mov rbp, rsp
		{"4883ec18", 4, Other, false, SP, 24},            // sub rsp, 24
		{"4883c480", 4, Other, false, SP, 128},           // add rsp, -128
		{"498b5630", 4, Other, false, Closure, 0},        // mov rdx, [r14+48]
		{"4c8975f8", 4, Other, false, 0, 0},              // mov [rbp-8], r14
		{"84c0", 2, Other, false, 0, 0},                  // test al, al
		{"0fb6c3", 3, Other, false, Reg0, 0},             // movzx eax, bl
		{"f00fb18b90000000", 8, Other, false, All, 0},    // lock cmpxchg [rbx+144], ecx
		{"c4e2f8f3c9", 5, Other, false, All, 0},          // blsr
		{"c5fe6f06", 4, Other, false, All, 0},            // vmovdqu ymm0, [rsi]
		{"c5f877", 3, Other, false, All &^ (SP | FP), 0}, // vzeroupper
		{"06", 1, Unknown, false, All, 0},
	}
	for _, tt := range tests {
		b, err := hex.DecodeString(tt.code)
		if err != nil {
			t.Fatal(err)
		}
		// What follows belongs to the next instruction and must not matter.
		i := Decode(AMD64, append(b, 0x90, 0x90, 0x90, 0x90), 0x1000)[0]
		if i.Len != tt.length || i.Kind != tt.kind || i.Emulated != tt.emulated || i.Writes != tt.writes ||
			i.SPMove != tt.down {
			t.Errorf("%s %s: %+v", tt.code, i, i)
		}
	}
}

func TestARM64(t *testing.T) {
	tests := []struct {
		word     uint32
		text     string
		kind     Kind
		emulated bool
		writes   Regs
		down     int64
	}{
		{0x14000002, "b", Jump, true, 0, 0},
		{0x97ffffff, "bl", Call, true, All &^ SP, 0},
		{0x54000049, "b.ls", CondJump, true, 0, 0},
		{0xb4000060, "cbz x0", CondJump, true, 0, 0},
		{0x37600041, "tbnz w1", CondJump, true, 0, 0},
		{0xd63f0340, "blr x26", CallReg, true, All &^ SP, 0},
		{0xd65f03c0, "ret", End, true, 0, 0},
		{0xd4200000, "brk", End, false, 0, 0},
		{0xd503201f, "nop", Nop, false, 0, 0},
		{0xf9400b90, "ldr x16, [x28, 16]", Other, false, 0, 0},
		{0xf81a0ffe, "str x30, [sp, -96]!", Other, false, SP, 96},
		{0xf81f83fd, "stur x29, [sp, -8]", Other, false, 0, 0},
		{0xd10023fd, "sub x29, sp, 8", Other, false, FP, 0},
		{0xd10083ff, "sub sp, sp, 32", Other, false, SP, 32},
		{0x910083ff, "add sp, sp, 32", Other, false, SP, -32},
		{0xeb3063ff, "cmp sp, x16", Other, false, 0, 0},
		{0xa9408740, "ldp x0, x1, [x26, 8]", Other, false, Reg0 | Reg1, 0},
		{0xa9bf7bfd, "stp x29, x30, [sp, -16]!", Other, false, SP, 16},
		{0x90000840, "adrp x0", Other, true, Reg0, 0},
		{0xaa0003e1, "mov x1, x0", Other, false, Reg1, 0},
		{0xd2800240, "mov x0, 18", Other, false, Reg0, 0},
		{0x88dffc64, "ldar w4, [x3]", Other, false, 0, 0},
	}
	for _, tt := range tests {
		i := Decode(ARM64, binary.LittleEndian.AppendUint32(nil, tt.word), 0x1000)[0]
		if i.Kind != tt.kind || i.Emulated != tt.emulated || i.Writes != tt.writes || i.SPMove != tt.down ||
			i.Len != 4 {
			t.Errorf("%s (%s): %+v", tt.text, i, i)
		}
	}
}

// FuzzDecode decodes arbitrary bytes: the instructions cover them without a gap.
func FuzzDecode(f *testing.F) {
	f.Add(true, []byte{0x55, 0x48, 0x89, 0xe5, 0xc4, 0xe2, 0xf8})
	f.Add(false, []byte{0, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, amd64 bool, code []byte) {
		arch := ARM64
		if amd64 {
			arch = AMD64
		}
		at := uint64(0x1000)
		for _, i := range Decode(arch, code, at) {
			if i.Addr != at || i.Len <= 0 {
				t.Fatalf("instruction of %d bytes at %#x, want %#x", i.Len, i.Addr, at)
			}
			_ = i.String()
			at += uint64(i.Len)
		}
		if at != 0x1000+uint64(len(code)) {
			t.Fatalf("ends at %#x", at)
		}
		Addresses(Decode(arch, code, 0), true)
	})
}
