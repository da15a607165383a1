# shellcheck shell=bash
# Debian's kernels and busybox, by package name, from the mirror that this machine's own
# package sources name. Sourced by run, which sets cache.

# suite_of VERSION says which suite of Debian has a kernel.
suite_of() {
  case $1 in
  5.10) echo bullseye ;;
  6.1) echo bookworm ;;
  6.12) echo trixie ;;
  *) echo trixie-backports ;;
  esac
}

# mirror is where this machine gets its own Debian packages.
mirror() {
  apt-get indextargets 'Created-By: Packages' 'Origin: Debian' --format '$(CODENAME) $(REPO_URI)' |
    awk '$1 !~ /-/ && !found++ { print $2 }' # reads to the end: the writer is not stopped
}

# debian SUITE ARCH COMMAND… runs a command of apt that sees this suite for this
# processor alone, and nothing of what is installed here.
debian() {
  local suite=$1 arch=$2 dir=$cache/apt/$1-$2
  shift 2
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$dir/sources.list"
  cat >"$dir/apt.conf" <<EOF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$dir/lists";
Dir::State::Status "$dir/status";
Dir::Cache "$dir/cache";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Languages "none";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
EOF
  : >"$dir/status"
  APT_CONFIG=$dir/apt.conf "$@"
}

# refresh SUITE ARCH reads the list of packages, at most once a day.
refresh() {
  local stamp=$cache/apt/$1-$2/fresh
  [ -z "$(find "$stamp" -mtime -1 2>/dev/null)" ] || return 0
  debian "$1" "$2" apt-get -q update >&2 && touch "$stamp"
}

# package_of VERSION ARCH is the newest package with the kernel's image: from 6.19 on
# linux-binary-…, and linux-image-… before.
package_of() {
  local suite kind
  suite=$(suite_of "$1")
  for kind in binary image; do
    debian "$suite" "$2" apt-cache pkgnames "linux-$kind-$1." |
      grep -E "^linux-$kind-[0-9.]+[-+].*cloud-$2(-unsigned)?\$" | sed 's/-unsigned$//' | sort -uV | tail -n 1
  done | sed -n 1p # which reads to the end, so that no writer is stopped
}

# unpack SUITE ARCH PACKAGE PATTERN FILE fetches a package and takes one file out of it.
unpack() {
  local tmp
  tmp=$(mktemp -d)
  if (cd "$tmp" && debian "$1" "$2" apt-get -q download "$3" >&2) &&
    dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp" --wildcards "$4"; then
    mkdir -p "$(dirname "$5")"
    find "$tmp" -path "$tmp/${4#./}" -type f -exec mv {} "$5" \;
  fi
  rm -rf "$tmp"
  [ -s "$5" ]
}

# fetch_kernel VERSION ARCH has the kernel's image in $cache/kernels/VERSION-ARCH.
fetch_kernel() {
  local image=$cache/kernels/$1-$2 package
  [ ! -s "$image" ] || return 0
  refresh "$(suite_of "$1")" "$2"
  package=$(package_of "$1" "$2")
  [ -n "$package" ] || fail "$(suite_of "$1") has no kernel $1 for $2"
  unpack "$(suite_of "$1")" "$2" "$package" './*vmlinuz*' "$image" || fail "$package has no kernel image"
}

# fetch_busybox ARCH has a static busybox in $cache/busybox-ARCH.
fetch_busybox() {
  [ ! -s "$cache/busybox-$1" ] || return 0
  refresh trixie "$1"
  unpack trixie "$1" busybox-static './usr/bin/busybox' "$cache/busybox-$1" || fail "no busybox for $1"
}
