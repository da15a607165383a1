# shellcheck shell=bash
# A guest: its initramfs and its boot. Sourced by run, which sets what is used here.

# go_for ARCH DIR PACKAGE FILE builds a static program for a processor; go_test_for the tests of one.
go_for() { (cd "$2" && CGO_ENABLED=0 GOARCH=$1 go build -trimpath -buildvcs=false -o "$4" "$3"); }
go_test_for() { (cd "$tree" && CGO_ENABLED=0 GOARCH=$1 go test -c -o "$3" "$2"); }

# doing STEP says whether guests do a step.
doing() { case ,$steps, in *,$1,*) ;; *) return 1 ;; esac; }

declare -A cross=([arm64]=aarch64-linux-gnu-gcc [amd64]=x86_64-linux-gnu-gcc)

# referee ARCH ROOT puts the referee and its programs into a guest's files.
referee() {
  go_test_for "$1" ./internal/referee "$2/bin/referee.test"
  (cd "$tree" && CC=${cross[$1]} GOSCHED_PREBUILD=$2/programs GOSCHED_PREBUILD_ARCH=$1 \
    go test -count=1 -run '^TestProgramsForGuests$' ./internal/referee >&2)
}

# bench ARCH ROOT puts the recorder's benchmarks and their program into a guest's files.
bench() {
  go_test_for "$1" ./record "$2/bin/record.test"
  ln -s ../bin/service "$2/programs/service--plain-"
}

# initramfs ARCH makes $out/initramfs-ARCH: busybox, gosched, the programs, and init. The files lie
# below a name that go build ./... passes over: there are sources of the runtime among them.
initramfs() {
  local arch=$1 root=$out/_root-$1 prog
  rm -rf "$root"
  mkdir -p "$root"/{bin,proc,sys,dev,tmp,programs}
  fetch_busybox "$arch"
  cp "$cache/busybox-$arch" "$root/bin/busybox"
  if [ -n "$gosched" ]; then
    cp "$gosched" "$root/bin/gosched"
  else
    go_for "$arch" "$tree" ./cmd/gosched "$root/bin/gosched"
  fi
  ln -s ../bin/gosched "$root/programs/gosched"
  for prog in service locks; do go_for "$arch" "$tree/testdata/progs" "./$prog" "$root/bin/$prog"; done
  ! doing load || go_test_for "$arch" ./bpf "$root/bin/bpf.test"
  ! doing referee || referee "$arch" "$root"
  ! doing bench || bench "$arch" "$root"
  install -m 755 testdata/kernels/init "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet) >"$out/initramfs-$arch"
}

# boot VERSION ARCH boots a kernel and has its console in $out/VERSION-ARCH.log. Two emulated
# CPUs that take turns on one thread: with a thread each, two of five guests panicked while the
# kernel patched its own text. Without transparent huge pages: while the kernel makes one, which
# emulation makes long, no probe can read that memory, and one event in 120,000 was lost and counted.
boot() {
  local machine=(qemu-system-x86_64) console=ttyS0 words="do=$steps programs=$programs bench=$benchmark"
  [ "$2" != arm64 ] || machine=(qemu-system-aarch64 -M virt) console=ttyAMA0
  timeout -k 5 "$limit" "${machine[@]}" -accel tcg,thread=single -cpu max -smp 2 -m 2048 \
    -nodefaults -display none -serial stdio -no-reboot \
    -kernel "$cache/kernels/$1-$2" -initrd "$out/initramfs-$2" \
    -append "console=$console quiet panic=-1 ${clock:+clocksource=$clock} $words transparent_hugepage=never" \
    </dev/null 2>&1 | tr -d '\r' >"$out/$1-$2.log"
}
