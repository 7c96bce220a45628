#!/bin/sh
# Refuses an #include that crosses a layer.
#
#   contrib/layers.sh [DIR]     DIR: the source tree (default: this one)
#   contrib/layers.sh --self-test
#
# A room sees itself, what is named here, and the system. Nothing else. The
# table is the law; doc/architecture.md says why.
set -eu

rules() {
	cat <<'EOF'
include	onceway
base	onceway
json	onceway base
conf	onceway base yaml
io	onceway base event2 openssl
plugin	onceway base json conf io event2
spool	onceway base plugin sqlite3
route	onceway base json io plugin spool event2
daemon	onceway base json conf io plugin spool route event2 jansson yaml
conformance	onceway base json conf io plugin
EOF
}

# Third-party headers by the first part of their name; any other <...> is libc.
third_party='event2 yaml jansson hiredis openssl sqlite3 curl'

check() {
	top=$1
	find "$top/core" "$top/plugins" "$top/tests/conformance" -name '*.[ch]' ! -name 'test_*' |
		sort |
	while read -r file; do
		awk -v file="${file#"$top"/}" -v rules="$(rules)" -v third="$third_party" '
		function fail(what) {
			printf "%s:%d: %s\n", file, FNR, what
		}
		BEGIN {
			count = split(file, part, "/")
			# Those that are broken on purpose are plugins like any other.
			plugin = part[1] == "plugins" || part[3] == "broken"
			room = part[1] == "tests" && plugin ? part[3] : part[2]
			lines = split(rules, line, "\n")
			for (i = 1; i <= lines; i++) {
				split(line[i], half, "\t")
				if (half[1] == room) may = " " half[2] " " room " "
			}
			if (plugin) may = " onceway lib " room " "
			else if (may == "") fail("room `" room "` is not in contrib/layers.sh")
		}
		match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*[">]/) {
			name = substr($0, RSTART, RLENGTH)
			sub(/^[^"<]*/, "", name)
			local = substr(name, 1, 1) == "\""
			name = substr(name, 2, length(name) - 2)
			split(name, piece, "/")
			first = piece[1]
			sub(/\.h$/, "", first)
			if (part[2] == "lib" && part[3] !~ /^(aws|outbound|sqs)$/ && name ~ /^lib\/aws\//) {
				fail("a helper may not include \"" name "\": AWS is for plugins that speak to it")
			} else if (part[2] == "lib" && part[3] != "outbound" && name ~ /^lib\/outbound\//) {
				fail("a helper may not include \"" name "\": it is for plugins that send requests")
			} else if (local && index(name, "/") == 0) {
				if (plugin) next   # its own folder
				fail("include by full path: \"" room "/" name "\"")
			} else if (local) {
				if (index(may, " " first " ") == 0)
					fail((plugin ? "a plugin" : room) " may not include \"" name "\"")
			} else if (first == "onceway") {
				if (plugin && part[2] != "lib" && name != "onceway/plugin.h")
					fail("a plugin includes only <onceway/plugin.h>, not <" name ">")
			} else if (!plugin && index(" " third " ", " " first " ") &&
				   index(may, " " first " ") == 0)
				fail(room " may not include <" name ">")
		}' "$file"
	done
}

# The core names no plugin: a rule that includes cannot show.
check_names() {
	top=$1
	for folder in "$top"/plugins/*_*/; do
		name=$(basename "$folder")
		grep -rn --include='*.[ch]' -w "$name" "$top/core" |
			grep -v '/\*\|:[0-9]*:[[:space:]]*\*' || true
	done
}

self_test() {
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	mkdir -p "$dir/core/base" "$dir/core/conf" "$dir/core/route" "$dir/plugins/sink_x" \
		"$dir/plugins/lib/aws" "$dir/plugins/lib/outbound" "$dir/tests/conformance/broken"
	echo '#include "lib/aws/i.h"' >"$dir/plugins/lib/i.c"
	printf '#include "lib/aws/i.h"\n#include "base/buf.h"\n' >"$dir/plugins/lib/aws/j.c"
	echo '#include "lib/outbound/i.h"' >"$dir/plugins/lib/aws/k.c"
	echo '#include "lib/aws/i.h"' >"$dir/plugins/lib/outbound/good.c"
	echo '#include "daemon/run.h"' >"$dir/tests/conformance/g.c"
	echo '#include "base/mem.h"' >"$dir/tests/conformance/broken/h.c"
	echo '#include <event2/event.h>' >"$dir/core/base/a.c"
	echo '#include "plugin/op.h"' >"$dir/core/conf/b.c"
	echo '#include "conf/tree.h"' >"$dir/core/route/c.c"
	echo '#include "base/buf.h"' >"$dir/plugins/sink_x/d.c"
	echo '#include "tree.h"' >"$dir/core/conf/e.c"
	echo '#include <onceway/host.h>' >"$dir/plugins/sink_x/f.c"
	printf '#include <onceway/plugin.h>\n#include "lib/x.h"\n#include "own.h"\n#include <stdio.h>\n' \
		>"$dir/plugins/sink_x/good.c"
	found=$(check "$dir" | wc -l)
	if [ "$found" -ne 11 ]; then
		echo "layers: self-test: 11 crossings planted, $found found" >&2
		check "$dir" >&2
		exit 1
	fi
}

if [ "${1:-}" = --self-test ]; then
	self_test
	exit 0
fi
top=${1:-$(cd "$(dirname "$0")/.." && pwd)}
found=$(check "$top"; check_names "$top")
if [ -n "$found" ]; then
	echo "$found"
	echo "layers: an include crosses a layer" >&2
	exit 1
fi
