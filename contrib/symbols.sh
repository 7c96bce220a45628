#!/bin/sh
# Refuses two functions of one name in a program that has its plugins linked in.
#
#   contrib/symbols.sh BUILD_DIR     a build with every plugin linked in
#
# The linker takes the first that it finds in an archive and says nothing, so
# that the core would call a plugin's, or a plugin another's or a helper's.
set -eu
cd "$1"

# NAME ARCHIVE OBJECT, of each global name.
names() {
	nm -A --defined-only "$@" |
		sed -n 's/^\([^:]*\):\([^:]*\)\.o:[0-9a-f]* [BDRT] \(.*\)$/\3 \1 \2/p'
}

plugins=$(find plugins -path '*/.libs/lib*.a' | sort)
[ -n "$plugins" ] || { echo "symbols: no plugin is linked in: $1" >&2; exit 1; }
all=$(names $plugins plugins/lib/libhelpers.a core/lib*.a | sort)
for part in plugins/lib/ "${plugins%%/.libs*}" core/; do
	case $all in
	*" $part"*) ;;
	*) echo "symbols: cannot read the archives in $1/$part" >&2; exit 1 ;;
	esac
done
twice=$(echo "$all" | awk '$1 == last {print line; print $0} {last = $1; line = $0}')
if [ -n "$twice" ]; then
	echo "symbols: one name, two functions: give each a name of its own" >&2
	echo "$twice" >&2
	exit 1
fi
