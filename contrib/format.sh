#!/bin/sh
# One format for people and for CI.
#
#   contrib/format.sh check    lists what is not formatted; exit 1 if anything is
#   contrib/format.sh fix      formats it
#
# The version is pinned: other versions of the tool format differently.
set -eu

wanted=14
tool=clang-format-$wanted
cd "$(dirname "$0")/.."

command -v "$tool" >/dev/null 2>&1 || tool=clang-format
if ! "$tool" --version 2>/dev/null | grep -q "version $wanted\."; then
	echo "format: clang-format $wanted is needed (Debian: apt-get install clang-format-$wanted)" >&2
	exit 2
fi

files() {
	find core plugins tests contrib -name '*.[ch]' ! -path '*/frozen/*' | sort
}

case "${1:-}" in
check)
	bad=$(files | xargs -P "$(nproc)" -n 16 sh -c 'for f; do
		"$0" "$f" | cmp -s - "$f" || echo "$f"
	done' "$tool" | sort)
	space=$(grep -rnIE '[ 	]+$' --include='*.[ch]' --include='*.am' --include='*.py' --include='*.sh' \
		--include='*.yaml' --include='*.md' core plugins tests contrib conf doc ./*.md 2>/dev/null |
		grep -v '^tests/\(conf\|fuzz\)/' || true)
	if [ -n "$bad$space" ]; then
		echo "$bad$space"
		echo "format: run contrib/format.sh fix" >&2
		exit 1
	fi
	;;
fix)
	files | xargs -P "$(nproc)" -n 16 "$tool" -i
	;;
*)
	echo "usage: contrib/format.sh check|fix" >&2
	exit 2
	;;
esac
