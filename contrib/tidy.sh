#!/bin/sh
# clang-tidy over the C files, with the checks of .clang-tidy.
#
#   contrib/tidy.sh BUILD_DIR     a configured build, for the headers made there
set -eu
build=$1
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
make -s -C "$build" generated
flags="-std=c11 -D_GNU_SOURCE -Icore/include -Icore -Iplugins -I$build/core -I$build/plugins"
flags="$flags -DPKGLIBDIR=__FILE__ $(pkg-config --cflags libevent yaml-0.1 jansson hiredis libcrypto sqlite3)"
find core plugins -name '*.c' ! -name 'test_*' | sort |
	xargs -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- '"$flags"' 2>/dev/null' tidy
