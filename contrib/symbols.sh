#!/bin/sh
# Refuses two functions of one name in a program that has its plugins linked in.
#
#   contrib/symbols.sh BUILD_DIR     a build with every plugin linked in
#
# The linker takes the first that it finds in an archive and says nothing, so
# that the core would call a plugin's, or a plugin another's. What several
# plugins have from one source of plugins/lib is the same wherever it is taken from.
set -eu
cd "$1"

# NAME SOURCE, of each global name. A plugin's own objects are libPLUGIN_la-SOURCE.o,
# those it has from plugins/lib PLUGIN_libPLUGIN_la-SOURCE.o.
names() {
	nm -A --defined-only "$@" |
		sed -n 's/^[^:]*:\([^:]*\)\.o:[0-9a-f]* [BDRT] \(.*\)$/\2 \1/p' |
		sed 's/ lt[0-9]*-/ /; s/ [a-z0-9_]*_lib[a-z0-9_]*_la-/ plugins\/lib\//'
}

libraries=$(find plugins -path '*/.libs/lib*.a' | sort)
[ -n "$libraries" ] || { echo "symbols: no plugin is linked in: $1" >&2; exit 1; }
all=$( (names $libraries; names core/lib*.a | sed 's| | core/|') | sort -u)
case $all in
*" core/"*plugins/lib/*) ;;
*) echo "symbols: cannot read the archives of $1" >&2; exit 1 ;;
esac
twice=$(echo "$all" | awk '$1 == last {print line; print $0} {last = $1; line = $0}')
if [ -n "$twice" ]; then
	echo "symbols: one name, two functions: give each a name of its own" >&2
	echo "$twice" >&2
	exit 1
fi
