#include "tests/unit/main.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http_listener.h"

static char why[HTTP_LISTEN_WHY_SIZE];

START_TEST(picks_a_port)
{
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	ck_assert_int_gt(http_socket_port(fd), 0);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	int listening = 0;
	socklen_t len = sizeof(listening);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len), 0);
	ck_assert_int_eq(listening, 1);
	close(fd);
}
END_TEST

START_TEST(takes_a_name)
{
	int fd = http_listen_socket("localhost:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
}
END_TEST

static int again(int fd, bool reuse_port)
{
	char address[32];
	snprintf(address, sizeof(address), "127.0.0.1:%d", http_socket_port(fd));
	return http_listen_socket(address, reuse_port, why);
}

START_TEST(a_taken_port_is_named)
{
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_int_eq(again(fd, false), -1);
	ck_assert_ptr_eq(strstr(why, "address 127.0.0.1:"), why);
	ck_assert_ptr_nonnull(strstr(why, ": Address already in use"));
	close(fd);
}
END_TEST

START_TEST(workers_share_a_port)
{
	int fd = http_listen_socket("127.0.0.1:0", true, why);
	int second = again(fd, true);
	ck_assert_msg(second >= 0, "%s", why);
	ck_assert_int_eq(http_socket_port(second), http_socket_port(fd));
	close(fd);
	close(second);
}
END_TEST

START_TEST(v6_does_not_take_the_v4_port)
{
	char address[32];
	int v6 = http_listen_socket("[::1]:0", false, why);
	if (v6 < 0)
		return; /* a machine without IPv6 */
	ck_assert_int_gt(http_socket_port(v6), 0);
	int only = 0;
	socklen_t len = sizeof(only);
	getsockopt(v6, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len);
	ck_assert_int_eq(only, 1);
	snprintf(address, sizeof(address), "[::1]:%d", http_socket_port(v6));
	ck_assert_int_eq(http_listen_socket(address, false, why), -1);
	close(v6);
}
END_TEST

START_TEST(what_is_no_address)
{
	static const char *const bad[] = {"", ":", ":80", "80", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:+1", "127.0.0.1:65536", "[]:80", "[:80",
	    "::1:80", "[::1]", "[::1]80"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(http_listen_socket(bad[i], false, why) == -1, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(why, "must be host:port or [v6]:port"));
	}
	ck_assert_int_eq(http_listen_socket("192.0.2.1:0", false, why), -1);
	ck_assert_str_eq(why, "address 192.0.2.1:0: Cannot assign requested address");
}
END_TEST

START_TEST(port_of_no_socket)
{
	ck_assert_int_eq(http_socket_port(-1), -1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_listener");
	TCase *t = tcase_create("sockets");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, picks_a_port);
	tcase_add_test(t, takes_a_name);
	tcase_add_test(t, a_taken_port_is_named);
	tcase_add_test(t, workers_share_a_port);
	tcase_add_test(t, v6_does_not_take_the_v4_port);
	tcase_add_test(t, what_is_no_address);
	tcase_add_test(t, port_of_no_socket);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
