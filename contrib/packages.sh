# The Debian packages that building and testing need, and how to get them.
# Sourced by contrib/quickstart, contrib/check and contrib/bench.

BUILD_PACKAGES="gcc make autoconf automake libtool pkg-config libc6-dev
	libevent-dev libyaml-dev libjansson-dev libssl-dev libhiredis-dev libsqlite3-dev"
TEST_PACKAGES="$BUILD_PACKAGES check python3 python3-redis redis-server clang libclang-rt-14-dev valgrind cppcheck
	clang-format-14 clang-tidy binutils xz-utils git file"
# The redis store, and the tutorial's service that it is compared with.
REDIS_BENCH_PACKAGES="redis-server python3-redis python3-fastapi python3-uvicorn"

# Whether there is a Node.js that the tests with SQS can use.
have_node() {
	command -v npm >/dev/null && [ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 20 ]
}

# install_node DIR: Debian 13's is new enough. Debian 12's is not, but can fetch one that is
# into DIR; npm comes along, since Debian's only runs with Debian's Node.js.
install_node() {
	[ ! -x "$1/node_modules/.bin/node" ] || PATH=$1/node_modules/.bin:$PATH
	have_node && return
	command -v npm >/dev/null || install_packages nodejs npm
	have_node && return
	echo "fetching Node.js 20"
	npm install --prefix "$1" --no-audit --no-fund --no-save --loglevel=error \
		node@20 npm@10 >/dev/null
	PATH=$1/node_modules/.bin:$PATH
	have_node || echo "Node.js 20 or later and npm are not here: the tests with SQS will fail"
}

# install_packages NAME...: those that are missing, quietly. Says what it does.
install_packages() {
	local missing="" name
	for name in "$@"; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $name"
	done
	if [ -z "$missing" ]; then
		echo "all there"
		return
	fi
	local sudo=""
	if [ "$(id -u)" -ne 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null || {
			echo "install these first (needs root):$missing" >&2
			exit 1
		}
	fi
	echo "installing:$missing"
	$sudo apt-get update -qq >/dev/null
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing \
		>/dev/null
}
