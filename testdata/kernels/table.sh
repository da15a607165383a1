# shellcheck shell=bash
# What came of a boot, as a row of a table in Markdown. Sourced by run.

header() {
  echo "| kernel | processor | loads | attaches to a process | records a command" \
    "| agrees with Go's tracer | lost | kernel warnings |"
  echo "|---|---|---|--:|--:|---|--:|--:|"
}

# said LOG WORDS is what follows these words on a line of the guest's that begins with @.
said() { sed -n "s/^@$2 \\(.*\\)/\\1/p" "$1" | tail -n 1; }

# step LOG NAME TEXT [MORE] is the text if the step went well, and else what its end was.
step() {
  local code
  doing "$2" || { echo "not tried"; return; }
  code=$(said "$1" "$2 exit")
  case $code in
  0) echo "$3" ;;
  '') echo "**no** (never ended)" ;;
  124 | 137) echo "**no** (took too long)" ;;
  *) echo "**no** ($code)${4:+: $4}" ;;
  esac
}

# lost LOG is how many events were lost, in all traces.
lost() { sed -n 's/^@[a-z]* lost \([0-9,]*\)$/\1/p' "$1" | tr -d , | awk '{ n += $1 } END { print NR ? n : "?" }'; }

# row VERSION ARCH LOG draws the row; ok LOG says whether all is well in it.
row() {
  local release warnings says
  release=$(said "$3" kernel)
  warnings=$(said "$3" warnings)
  says=$(said "$3" 'referee says' |
    sed 's/ of them not as they should be/ wrong/; s/ in both recordings//; s/, 0 events lost//; s/\.$//')
  echo "| ${release%% *} | $2 | $(step "$3" check yes) | $(step "$3" attach "$(said "$3" 'attach events') events") |" \
    "$(step "$3" command "$(said "$3" 'command events') events") | $(step "$3" referee "$says" "$says") |" \
    "$(lost "$3") | ${warnings:-**did not end**} |"
}

ok() {
  local name
  [ "$(said "$1" warnings)" = 0 ] && [ "$(lost "$1")" = 0 ] && [ -n "$(said "$1" end)" ] || return 1
  for name in ${steps//,/ }; do [ "$(said "$1" "$name exit")" = 0 ] || return 1; done
}

# into_readme FILE puts a table between the two markers of the README.
into_readme() {
  awk -v table="$1" '
    /^<!-- kernels:/ { print; while ((getline line < table) > 0) print line; inside = 1 }
    /^<!-- \/kernels -->/ { inside = 0 }
    !inside || /^<!-- \/kernels/ { if (!/^<!-- kernels:/) print }
  ' README.md >"$out/README.md"
  cat "$out/README.md" >README.md
}
