/* The HTTP client through a proxy; and the proxy's URL. TLS inside a tunnel: test_proxy.py. */
#include <stdio.h>

#include "io/http_proxy.h"
#include "io/tls_store.h"
#include "tests/unit/io/client.h"
#include "tests/unit/main.h"

#define CONNECT "CONNECT crm.example:8443 HTTP/1.1\r\nHost: crm.example:8443\r\n"
#define USER	"Proxy-Authorization: Basic dXNlcjpwQHNzOndvcmQ=\r\n" /* user:p@ss:word */

static struct tls_store *store;

/* Requests to url go through the world's peer. */
static void go_through(const char *url, const char *user)
{
	static char proxy[128];
	snprintf(proxy, sizeof(proxy), "http://%s127.0.0.1:%d", user, world.peer.port);
	world.origin.proxy = proxy;
	world_new_pool(url);
}

static void setup(void)
{
	world_setup();
	http_pool_free(world.pool);
	world.pool = NULL;
	store = tls_store_new(&world.clock);
	http_client_use_tls(world.client, store);
}

static void teardown(void)
{
	world_teardown();
	tls_store_free(store);
}

/* ---- its URL ---- */

static const char *parse(
    const char *text, const char *origin, struct arena *arena, struct http_proxy *proxy)
{
	struct url url;
	ck_assert_ptr_null(url_parse(origin, arena, &url));
	return http_proxy_parse(text, &url, arena, proxy);
}

START_TEST(taken_apart)
{
	static const struct {
		const char *text, *host, *authorization;
		int port;
	} cases[] = {
	    {"http://proxy:3128", "proxy", NULL, 3128},
	    {"HTTP://Proxy/", "proxy", NULL, 80},
	    {"http://user:password@proxy:1", "proxy", "Basic dXNlcjpwYXNzd29yZA==", 1},
	    {"http://user@proxy", "proxy", "Basic dXNlcjo=", 80},
	    {"http://us%20er:p%40%3a%2F%25@[::1]:8080", "::1", "Basic dXMgZXI6cEA6LyU=", 8080},
	    {"http://user:p@ss:word@proxy", "proxy", "Basic dXNlcjpwQHNzOndvcmQ=", 80},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena = ARENA_INIT;
		struct http_proxy proxy;
		const char *problem = parse(cases[i].text, "http://crm:81/x", &arena, &proxy);
		ck_assert_msg(problem == NULL, "%s: %s", cases[i].text, problem);
		ck_assert_str_eq(proxy.url.host, cases[i].host);
		ck_assert_int_eq(proxy.url.port, cases[i].port);
		ck_assert_pstr_eq(proxy.authorization, cases[i].authorization);
		ck_assert_str_eq(proxy.origin, "http://crm:81");
		ck_assert_ptr_null(proxy.connect);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(what_asks_for_a_tunnel)
{
	struct arena arena = ARENA_INIT;
	struct http_proxy proxy;
	ck_assert_ptr_null(parse("http://proxy", "https://crm/x", &arena, &proxy));
	ck_assert_str_eq(proxy.connect, "CONNECT crm:443 HTTP/1.1\r\nHost: crm:443\r\n\r\n");
	ck_assert_ptr_null(proxy.origin);
	ck_assert_ptr_null(parse("http://a:b@proxy", "https://[::1]:8443", &arena, &proxy));
	ck_assert_str_eq(proxy.connect, "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n"
					"Proxy-Authorization: Basic YTpi\r\n\r\n");
	arena_free(&arena);
}
END_TEST

START_TEST(no_proxy)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
	    {"", "must begin with http://"},
	    {"proxy:3128", "must begin with http://"},
	    {"https://proxy", "must begin with http://"},
	    {"socks5://proxy", "must begin with http://"},
	    {"http://", "host is missing"},
	    {"http://user:hunter2@", "host is missing"},
	    {"http://proxy:0", "port must be"},
	    {"http://proxy/path", "ends with its port"},
	    {"http://proxy?x", "ends with its port"},
	    {"http://@proxy", "user:password"},
	    {"http://:hunter2@proxy", "user:password"},
	    {"http://us%3Aer:hunter2@proxy", "user:password"},
	    {"http://user:hunter2%@proxy", "user:password"},
	    {"http://user:hunter2%4@proxy", "user:password"},
	    {"http://user:hunter2%00@proxy", "user:password"},
	    {"http://us%zzer@proxy", "user:password"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena = ARENA_INIT;
		struct http_proxy proxy;
		const char *problem = parse(cases[i].text, "http://crm", &arena, &proxy);
		ck_assert_msg(problem && strstr(problem, cases[i].problem), "%s: %s",
		    cases[i].text, problem);
		ck_assert_ptr_null(strstr(problem, "hunter2"));
		arena_free(&arena);
	}
}
END_TEST

/* ---- http: it takes the requests themselves ---- */

START_TEST(whole_targets)
{
	go_through("http://crm.example:81", "user:p@ss:word@");
	world.get.target = text_of("/a?b=c");
	send_and_arrive(&out[0], 0);
	ck_assert_str_eq(connection(0)->got.data,
	    "GET http://crm.example:81/a?b=c HTTP/1.1\r\nHost: crm.example:81\r\n" USER "\r\n");
	peer_say(connection(0), OK_ANSWER);
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
	check_idle(1);
}
END_TEST

START_TEST(wants_a_user)
{
	go_through("http://crm.example", "");
	send_and_arrive(&out[0], 0);
	ck_assert_ptr_null(strstr(connection(0)->got.data, "Proxy-Authorization"));
	peer_say(connection(0), "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno");
	until(out[0].called);
	check_end(0, OW_HTTP_CONNECT, false,
	    "(the proxy): the proxy wants a user and password, or others than those given");
	ck_assert(!reachable());
	check_idle(0);
}
END_TEST

START_TEST(other_answers_are_the_origins)
{
	go_through("http://crm.example", "");
	send_and_arrive(&out[0], 0);
	peer_say(connection(0), "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
	ck_assert_int_eq(out[0].status, 502);
	ck_assert(reachable());
}
END_TEST

/* Without a proxy, a 407 is what the origin says. */
START_TEST(no_proxy_refuses_where_there_is_none)
{
	world_new_pool(NULL);
	send_and_arrive(&out[0], 0);
	peer_say(connection(0), "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
}
END_TEST

START_TEST(is_down)
{
	peer_refuse(&world.peer);
	go_through("http://crm.example", "");
	send_get(&out[0]);
	until(out[0].called);
	check_end(0, OW_HTTP_CONNECT, false, "(the proxy): Connection refused");
}
END_TEST

/* ---- https: it makes a tunnel ---- */

static void ask_for_tunnel(const char *user)
{
	go_through("https://crm.example:8443", user);
	send_get(&out[0]);
	until(arrived(0));
}

START_TEST(asked_for_a_tunnel)
{
	ask_for_tunnel("user:p@ss:word@");
	ck_assert_str_eq(connection(0)->got.data, CONNECT USER "\r\n");
	ck_assert_int_eq(out[0].called, 0);
	peer_say(connection(0), "HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 Here it is\r\n");
	loop_calm(world.base);
	ck_assert_str_eq(connection(0)->got.data, CONNECT USER "\r\n");
	peer_say(connection(0), "Content-Length: 7\r\n\r\n");
	/* The first byte of a handshake: not a word of the request. */
	until(connection(0)->got.len > strlen(CONNECT USER "\r\n"));
	ck_assert_int_eq(connection(0)->got.data[strlen(CONNECT USER "\r\n")], 22);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_CONNECT, false, "during the TLS handshake");
}
END_TEST

START_TEST(no_tunnel)
{
	static const struct {
		const char *answer, *why;
	} cases[] = {
	    {"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nno no", "check `proxy`"},
	    {"HTTP/1.1 502 Whatever\r\n\r\n", "the proxy answered 502 Bad Gateway"},
	    {"HTTP/1.1 403 No\r\n\r\n", "the proxy answered 403 Forbidden"},
	    {"HTTP/1.1 301 No\r\nLocation: http://crm\r\n\r\n", "answered 301 Moved"},
	    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the proxy's answer is none: "},
	    {"HTTP/1.1 101 Yes\r\n\r\n", "the proxy's answer is none: "},
	    {"HTTP/1.1 200 OK\r\n\r\nHello", "sends what nobody has asked for"},
	};
	for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
		size_t before = world.peer.accepted;
		go_through("https://crm.example:8443", "");
		send_get(&out[i]);
		until(arrived(before));
		ck_assert_str_eq(connection(before)->got.data, CONNECT "\r\n");
		peer_say(connection(before), cases[i].answer);
		until(out[i].called);
		check_end(i, OW_HTTP_CONNECT, false, cases[i].why);
		ck_assert(!reachable());
		check_idle(0);
	}
}
END_TEST

START_TEST(hangs_up)
{
	ask_for_tunnel("");
	peer_say(connection(0), "HTTP/1.1 20");
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_CONNECT, false, "the proxy closed the connection before it");
}
END_TEST

START_TEST(says_nothing)
{
	ask_for_tunnel("");
	pass(CONNECT_MS);
	until(out[0].called);
	check_end(0, OW_HTTP_CONNECT, false, "(the proxy): no answer within 3000 ms");
	check_idle(0);
}
END_TEST

START_TEST(cancelled_while_it_is_asked)
{
	go_through("https://crm.example:8443", "");
	struct ow_http_call *call = send_get(&out[0]);
	until(arrived(0));
	ck_assert(!http_call_cancel(call));
	ck_assert_int_eq(out[0].called, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("io/http_proxy");
	TCase *t = tcase_create("url");
	tcase_add_test(t, taken_apart);
	tcase_add_test(t, what_asks_for_a_tunnel);
	tcase_add_test(t, no_proxy);
	suite_add_tcase(s, t);
	t = tcase_create("proxy");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, whole_targets);
	tcase_add_test(t, wants_a_user);
	tcase_add_test(t, other_answers_are_the_origins);
	tcase_add_test(t, no_proxy_refuses_where_there_is_none);
	tcase_add_test(t, is_down);
	tcase_add_test(t, asked_for_a_tunnel);
	tcase_add_test(t, no_tunnel);
	tcase_add_test(t, hangs_up);
	tcase_add_test(t, says_nothing);
	tcase_add_test(t, cancelled_while_it_is_asked);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
