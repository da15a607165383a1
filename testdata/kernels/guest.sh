# A guest: its initramfs and its boot. Sourced by run, which sets cache, out and gosched.

# go_for ARCH DIR PACKAGE FILE builds a static program for a processor.
go_for() { (cd "$2" && CGO_ENABLED=0 GOOS=linux GOARCH=$1 go build -trimpath -o "$4" "$3"); }

# go_test_for ARCH PACKAGE FILE builds a test binary for a processor.
go_test_for() { (cd "$tree" && CGO_ENABLED=0 GOARCH=$1 go test -c -o "$3" "$2"); }

# referee ARCH ROOT puts the referee and its programs into a guest's files.
referee() {
  local cc=gcc
  [ "$1" = "$(go env GOHOSTARCH)" ] || cc=${cross[$1]}
  go_test_for "$1" ./internal/referee "$2/bin/referee.test"
  (cd "$tree" && CC=$cc GOSCHED_PREBUILD=$2/programs GOSCHED_PREBUILD_ARCH=$1 go test -count=1 -run '^TestProgramsForGuests$' ./internal/referee)
  ln -s ../bin/gosched "$2/programs/gosched"
}
declare -A cross=([arm64]=aarch64-linux-gnu-gcc [amd64]=x86_64-linux-gnu-gcc)

# initramfs ARCH makes $out/initramfs-ARCH: busybox, gosched, the programs, and init.
initramfs() {
  local arch=$1 root=$out/root-$1
  rm -rf "$root"
  mkdir -p "$root"/{bin,proc,sys,dev,tmp,programs}
  fetch_busybox "$arch"
  cp "$cache/busybox-$arch" "$root/bin/busybox"
  if [ -n "$gosched" ]; then
    cp "$gosched" "$root/bin/gosched"
  else
    go_for "$arch" "$tree" ./cmd/gosched "$root/bin/gosched"
  fi
  case ,$steps, in *,load,*) go_test_for "$arch" ./bpf "$root/bin/bpf.test" ;; esac
  case ,$steps, in *,referee,*) referee "$arch" "$root" ;; esac
  go_for "$arch" "$tree/testdata/progs" ./service "$root/bin/service"
  go_for "$arch" "$tree/testdata/progs" ./channels "$root/bin/channels"
  install -m 755 testdata/kernels/init "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet) >"$out/initramfs-$arch"
}

# boot VERSION ARCH LIMIT STEPS boots a kernel and has its console in $out/VERSION-ARCH.log.
# Two emulated CPUs that take turns on one thread: with a thread each, patching of the
# kernel's own text has panicked guests.
boot() {
  local machine=(qemu-system-x86_64) console=ttyS0
  case $2 in arm64) machine=(qemu-system-aarch64 -M virt) console=ttyAMA0 ;; esac
  timeout -k 5 "$3" "${machine[@]}" -accel tcg,thread=single -cpu max -smp 2 -m 2048 \
    -display none -serial stdio -monitor none -no-reboot \
    -kernel "$cache/kernels/$1-$2" -initrd "$out/initramfs-$2" \
    -append "console=$console quiet panic=-1 ${clock:+clocksource=$clock} do=$4 seconds=2 programs=$programs" \
    </dev/null >"$out/$1-$2.log" 2>&1
}
