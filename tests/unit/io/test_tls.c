/* Contexts, handshakes and what is said when they fail: our client and our listener's side. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "io/tls_client.h"
#include "io/tls_server.h"
#include "io/tls_store.h"
#include "io/tls_stream.h"
#include "tests/tls/certificates.h"
#include "tests/unit/main.h"

static FILE *log_file;

/* "DIR/NAME"; of the last few calls. */
static const char *file(const char *name)
{
	static char paths[8][128];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, 128, "%s/%s", certificates_directory(), name);
	return path;
}

/* ---- two ends of one connection ---- */

struct end {
	struct bufferevent *stream;
	int fd;
	bool connected, eof, error;
	char why[512];
};

static struct world {
	struct event_base *base;
	struct clock clock;
	struct tls_store *store;
	struct tls_context *server;
	struct ow_tls *client;
	struct end at_client, at_server;
	enum tls_reason reason;
} w;

static void ignore_log(void)
{
	log_file = tmpfile();
	log_init(fileno(log_file), OW_LOG_INFO, LOG_TEXT, NULL);
}

static const char *logged(void)
{
	static char text[16384];
	ssize_t n = pread(fileno(log_file), text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ignore_log();
	w = (struct world){.base = event_base_new(), .at_client.fd = -1, .at_server.fd = -1};
	clock_init_system(&w.clock);
	w.clock.manual_wall_ms = clock_wall(&w.clock);
	struct clock now = w.clock;
	clock_init_manual(&w.clock, now.manual_wall_ms);
	w.store = tls_store_new(&w.clock);
}

static void end_close(struct end *e)
{
	if (e->stream)
		bufferevent_free(e->stream);
	if (e->fd >= 0)
		close(e->fd);
	*e = (struct end){.fd = -1};
}

static void hang_up(void)
{
	end_close(&w.at_client);
	end_close(&w.at_server);
	event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static void teardown(void)
{
	hang_up();
	tls_client_free(w.client);
	tls_store_release(w.store, w.server);
	tls_store_free(w.store);
	event_base_free(w.base);
	fclose(log_file);
	log_init(STDERR_FILENO, OW_LOG_INFO, LOG_TEXT, NULL);
}

static struct ow_tls_options options(const char *ca)
{
	return (struct ow_tls_options){.size = sizeof(struct ow_tls_options), .ca = ca};
}

static void make_client_of(struct ow_tls_options o)
{
	const char *why = NULL;
	const struct tls_client_parts parts = {.store = w.store,
	    .base = w.base,
	    .clock = &w.clock,
	    .name = "sink crm",
	    .http = true};
	tls_client_free(w.client);
	w.client = tls_client_new(&parts, &o, &why);
	ck_assert_msg(w.client != NULL, "%s", why);
}

static void make_server_of(struct tls_config c)
{
	const char *why = NULL;
	tls_store_release(w.store, w.server);
	w.server = tls_store_get(w.store, &c, "listener public", &why);
	ck_assert_msg(w.server != NULL, "%s", why);
}

/* A listener with this certificate, and nothing special. */
static struct tls_config serving(const char *name)
{
	char pem[64], key[64];
	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return (struct tls_config){
	    .side = TLS_SERVER, .certificate = file(pem), .key = file(key)};
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct end *e = arg;
	if (what & BEV_EVENT_CONNECTED) {
		e->connected = true;
		tls_stream_opened(stream);
		return;
	}
	e->eof = what & BEV_EVENT_EOF;
	e->error = what & BEV_EVENT_ERROR;
	if (e == &w.at_client && e->error) {
		const char *why = tls_client_problem(w.client, stream);
		text_store(e->why, sizeof(e->why), why ? why : strerror(errno));
	} else if (e->error) {
		struct buf why = BUF_INIT;
		tls_stream_failed(stream);
		w.reason = tls_server_problem(stream, &why);
		text_store(e->why, sizeof(e->why), why.data);
		buf_free(&why);
		/* As the listener does: what it has said must arrive. */
		shutdown(e->fd, SHUT_WR);
	}
}

static void watch(struct end *e, struct bufferevent *stream)
{
	e->stream = stream;
	ck_assert_ptr_nonnull(stream);
	bufferevent_setcb(stream, NULL, NULL, on_event, e);
	bufferevent_enable(stream, EV_READ);
}

/* A connected pair of sockets; the client's is not blocking. */
static void connect_sockets(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	w.at_client.fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(w.at_client.fd, (struct sockaddr *)&address, len), 0);
	w.at_server.fd = accept(fd, NULL, NULL);
	ck_assert_int_ge(w.at_server.fd, 0);
	evutil_make_socket_nonblocking(w.at_client.fd);
	evutil_make_socket_nonblocking(w.at_server.fd);
	close(fd);
}

#define until(condition)                                                                       \
	do {                                                                                   \
		for (int turns = 0; !(condition); turns++) {                                   \
			ck_assert_msg(turns < 20000, "never: %s", #condition);                 \
			event_base_loop(w.base, EVLOOP_NONBLOCK);                              \
			usleep(turns < 100 ? 0 : 500);                                         \
		}                                                                              \
	} while (0)

static void begin(const char *host)
{
	hang_up();
	w.reason = TLS_REASONS;
	connect_sockets();
	watch(&w.at_server, tls_server_accept(w.server, w.base, w.at_server.fd));
	watch(&w.at_client, tls_client_stream(w.client, w.at_client.fd, host));
}

static bool over(const struct end *e)
{
	return e->eof || e->error;
}

static void shake_hands(const char *host)
{
	begin(host);
	until((w.at_client.connected || over(&w.at_client)) &&
	      (w.at_server.connected || over(&w.at_server)));
}

static void expect_good(const char *host)
{
	shake_hands(host);
	ck_assert_msg(w.at_client.connected && !over(&w.at_client), "%s", w.at_client.why);
	ck_assert_msg(w.at_server.connected && !over(&w.at_server), "%s", w.at_server.why);
}

static void contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in \"%s\"", part, text);
}

/* The client fails, with that phrase. */
static void expect_client_fails(const char *host, const char *why)
{
	begin(host);
	until(over(&w.at_client));
	contains(w.at_client.why, why);
}

/* ---- verification ---- */

START_TEST(names_and_addresses)
{
	static const char *const good[] = {
	    "localhost", "onceway.test", "ONCEWAY.test", "onceway.test.", "127.0.0.1", "::1"};
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		expect_good(good[i]);
	expect_client_fails("onceway.example",
	    "its certificate is not for onceway.example, but for localhost, onceway.test, "
	    "127.0.0.1, 0:0:0:0:0:0:0:1");
	expect_client_fails("127.0.0.2", "its certificate is not for 127.0.0.2, but for");
	expect_client_fails("sub.localhost", "is not for sub.localhost");
}
END_TEST

START_TEST(wildcards_and_other_names)
{
	make_server_of(serving("wrong-host"));
	make_client_of(options(file("ca.pem")));
	expect_good("near.far.example");
	expect_client_fails("very.near.far.example", "is not for very.near.far.example");
	expect_client_fails("far.example", "is not for far.example");
	struct ow_tls_options o = options(file("ca.pem"));
	o.server_name = "other.example";
	make_client_of(o);
	expect_good("127.0.0.1");
	make_server_of(serving("nameless"));
	expect_client_fails("127.0.0.1", "is not for other.example, but for CN=nameless");
}
END_TEST

START_TEST(dates)
{
	make_client_of(options(file("ca.pem")));
	make_server_of(serving("expired"));
	contains(logged(), "expired.pem`: the certificate has expired on 2020-01-01");
	expect_client_fails(
	    "localhost", "its certificate (CN=expired) has expired on 2020-01-01");
	make_server_of(serving("future"));
	expect_client_fails(
	    "localhost", "its certificate (CN=future) is not valid before 2100-01-01");
	make_server_of(serving("soon"));
	contains(logged(), "soon.pem`: the certificate expires on");
	expect_good("localhost");
}
END_TEST

START_TEST(trust)
{
	char why[256];
	make_client_of(options(file("ca.pem")));
	make_server_of(serving("unknown"));
	snprintf(why, sizeof(why),
	    "its certificate comes from an unknown CA (CN=other-ca), not among the CAs in %s",
	    file("ca.pem"));
	expect_client_fails("localhost", why);
	ck_assert_int_eq(w.at_client.connected, false);
	make_server_of(serving("self-signed"));
	expect_client_fails(
	    "localhost", "(CN=self-signed) is self-signed, and not among the CAs");
	make_server_of(serving("server"));
	make_client_of(options(NULL));
	expect_client_fails("localhost", "not among the system's CAs");
	make_client_of(options(file("hashed")));
	expect_good("localhost");
	make_client_of(options(file("self-signed.pem")));
	make_server_of(serving("self-signed"));
	expect_good("localhost");
	make_client_of(options(file("ca.pem")));
	make_server_of(serving("chained"));
	expect_good("localhost");
}
END_TEST

/* ---- client certificates ---- */

static struct tls_config asking(enum tls_asks asks)
{
	struct tls_config c = serving("server");
	c.ca = file("ca.pem");
	c.asks = asks;
	return c;
}

static struct ow_tls_options showing(const char *name)
{
	struct ow_tls_options o = options(file("ca.pem"));
	char pem[64], key[64];
	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	o.certificate = file(pem);
	o.key = file(key);
	return o;
}

/* The client believes to be connected in TLS 1.3, and is told then. */
static void expect_client_refused(
    const char *why, enum tls_reason reason, const char *at_server)
{
	begin("localhost");
	until(over(&w.at_client) && over(&w.at_server));
	contains(w.at_client.why, why);
	ck_assert_int_eq(w.reason, reason);
	contains(w.at_server.why, at_server);
	ck_assert_int_eq(tls_client_refused_late(w.at_client.stream), w.at_client.connected);
}

static void check_client_certificates(int min_version)
{
	struct tls_config c = asking(TLS_ASKS_REQUIRE);
	c.min_version = min_version;
	make_server_of(c);
	make_client_of(options(file("ca.pem")));
	expect_client_refused("it wants a client certificate: set tls.certificate and tls.key",
	    TLS_NO_CERTIFICATE, "it shows no certificate");
	make_client_of(showing("client"));
	expect_good("localhost");
	struct buf text = BUF_INIT;
	tls_server_describe(w.at_server.stream, &text);
	contains(text.data, "certificate of CN=client");
	buf_free(&text);
	make_client_of(showing("client-unknown"));
	expect_client_refused("it does not accept the client certificate in", TLS_UNKNOWN_CA,
	    "(CN=client-unknown) comes from a CA that tls.client_ca does not have: "
	    "CN=other-ca");
	make_client_of(showing("client-expired"));
	expect_client_refused("client-expired.pem: certificate expired",
	    TLS_EXPIRED_CERTIFICATE, "(CN=client-expired) has expired on 2020-01-01");
	make_client_of(showing("server"));
	expect_client_refused("it does not accept the client certificate in",
	    TLS_BAD_CERTIFICATE, "unsuitable certificate purpose");
}

START_TEST(client_certificates)
{
	check_client_certificates(1);
}
END_TEST

START_TEST(optional_client_certificates)
{
	make_server_of(asking(TLS_ASKS_OPTIONAL));
	make_client_of(options(file("ca.pem")));
	expect_good("localhost");
	make_client_of(showing("client-unknown"));
	expect_client_refused("it does not accept", TLS_UNKNOWN_CA, "comes from a CA");
	make_server_of(serving("server"));
	expect_good("localhost"); /* nobody asks for it */
}
END_TEST

/* ---- sessions ---- */

/* TLS 1.3 tickets come after the handshake. */
static void read_tickets(void)
{
	for (int i = 0; i < 50; i++) {
		event_base_loop(w.base, EVLOOP_NONBLOCK);
		usleep(200);
	}
}

static bool resumed(const char *host)
{
	expect_good(host);
	bool client = tls_client_resumed(w.at_client.stream);
	ck_assert_int_eq(client, tls_server_resumed(w.at_server.stream));
	read_tickets();
	return client;
}

START_TEST(sessions_are_resumed)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	ck_assert(!resumed("localhost"));
	ck_assert(resumed("localhost"));
	ck_assert(resumed("localhost"));
	/* A session belongs to the name that was verified. */
	ck_assert(!resumed("onceway.test"));
	ck_assert(resumed("onceway.test"));
	ck_assert(resumed("localhost"));
	/* It is not resumed for ever. */
	clock_advance(&w.clock, 3600001);
	ck_assert(!resumed("localhost"));
}
END_TEST

/* Each renews the session, none the verification. */
START_TEST(a_chain_of_resumptions_ends)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	ck_assert(!resumed("localhost"));
	for (int i = 0; i < 3; i++) {
		clock_advance(&w.clock, 1200000);
		ck_assert(resumed("localhost"));
	}
	clock_advance(&w.clock, 1);
	ck_assert(!resumed("localhost"));
	/* That one counts from now on. */
	clock_advance(&w.clock, 3600000);
	ck_assert(resumed("localhost"));
}
END_TEST

/* A session of the peer's; the byte behind it says that the client has read it. */
static void send_ticket(struct end *client, struct end *server)
{
	size_t read = evbuffer_get_length(bufferevent_get_input(client->stream));
	ck_assert_int_eq(SSL_new_session_ticket(tls_stream_ssl(server->stream)), 1);
	bufferevent_write(server->stream, "x", 1);
	until(evbuffer_get_length(bufferevent_get_input(client->stream)) == read + 1);
}

/* The connection stays while others are made. */
static void set_aside(struct end *client, struct end *server)
{
	*client = w.at_client;
	*server = w.at_server;
	bufferevent_setcb(client->stream, NULL, NULL, NULL, NULL);
	bufferevent_setcb(server->stream, NULL, NULL, NULL, NULL);
	w.at_client = w.at_server = (struct end){.fd = -1};
}

START_TEST(a_late_session_is_no_new_verification)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	ck_assert(!resumed("localhost"));
	struct end old_client, old_server;
	set_aside(&old_client, &old_server);
	clock_advance(&w.clock, 3600001);
	send_ticket(&old_client, &old_server);
	ck_assert(!resumed("localhost"));
	/* Nor does it push out what rests on a later one. */
	send_ticket(&old_client, &old_server);
	ck_assert(resumed("localhost"));
	end_close(&old_client);
	end_close(&old_server);
}
END_TEST

START_TEST(a_session_ends_with_its_certificate)
{
	make_server_of(serving("soon"));
	make_client_of(options(file("ca.pem")));
	ck_assert(!resumed("localhost"));
	w.clock.manual_wall_ms += INT64_C(2) * 86400000;
	ck_assert(resumed("localhost"));
	w.clock.manual_wall_ms += INT64_C(1) * 86400000;
	ck_assert(!resumed("localhost"));
}
END_TEST

START_TEST(sessions_with_client_certificates)
{
	make_server_of(asking(TLS_ASKS_REQUIRE));
	make_client_of(showing("client"));
	ck_assert(!resumed("localhost"));
	ck_assert(resumed("localhost"));
}
END_TEST

/* ---- files ---- */

static void replace_file(const char *name, const char *by)
{
	char to[128], from[128], temporary[160];
	snprintf(to, sizeof(to), "%s", file(name));
	snprintf(from, sizeof(from), "%s", file(by));
	snprintf(temporary, sizeof(temporary), "%s.new", to);
	unlink(temporary);
	FILE *in = fopen(from, "r"), *out = fopen(temporary, "w");
	ck_assert(in && out);
	for (int c; (c = getc(in)) != EOF;)
		putc(c, out);
	fclose(in);
	fclose(out);
	ck_assert_int_eq(rename(temporary, to), 0);
}

static void expect_subject(const char *subject)
{
	expect_good("localhost");
	char got[128];
	SSL *ssl = tls_stream_ssl(w.at_client.stream);
	tls_print_name(X509_get_subject_name(SSL_get0_peer_certificate(ssl)), got, sizeof(got));
	ck_assert_str_eq(got, subject);
}

static size_t count_logged(const char *part)
{
	size_t count = 0;
	for (const char *at = logged(); (at = strstr(at, part)); at++)
		count++;
	return count;
}

START_TEST(replaced_files_are_used)
{
	replace_file("live.pem", "server.pem");
	replace_file("live.key", "server.key");
	make_server_of(serving("live"));
	make_client_of(options(file("ca.pem")));
	expect_subject("CN=server");
	ck_assert_uint_eq(tls_store_look(w.store), 2);
	expect_subject("CN=server");
	ck_assert_str_eq(logged(), "");

	/* Half of it: the old pair goes on, and that is said once. */
	replace_file("live.pem", "renewed.pem");
	tls_store_look(w.store);
	tls_store_look(w.store);
	ck_assert_uint_eq(
	    count_logged("live.key`: the key does not belong to the certificate in"), 1);
	contains(logged(), "listener public: tls.key: ");
	contains(logged(), "going on with what was loaded before");
	expect_subject("CN=server");

	/* The other half: a connection that is there stays. */
	struct end before_client = w.at_client, before_server = w.at_server;
	w.at_client = w.at_server = (struct end){.fd = -1};
	replace_file("live.key", "renewed.key");
	tls_store_look(w.store);
	contains(logged(), "TLS files were replaced: loaded again; ");
	expect_subject("CN=renewed");
	ck_assert(!tls_client_resumed(w.at_client.stream));
	bufferevent_write(before_client.stream, "hello", 5);
	until(evbuffer_get_length(bufferevent_get_input(before_server.stream)) == 5);
	end_close(&before_client);
	end_close(&before_server);

	/* Gone altogether. */
	ck_assert_int_eq(unlink(file("live.pem")), 0);
	tls_store_look(w.store);
	contains(logged(), "live.pem`: No such file or directory; going on");
	expect_subject("CN=renewed");
}
END_TEST

START_TEST(a_replaced_ca_is_used)
{
	replace_file("trusted.pem", "other-ca.pem");
	make_server_of(serving("server"));
	make_client_of(options(file("trusted.pem")));
	expect_client_fails("localhost", "unknown CA (CN=ca)");
	replace_file("trusted.pem", "ca.pem");
	tls_store_look(w.store);
	expect_good("localhost");
	/* What was agreed on under another trust is forgotten. */
	read_tickets();
	replace_file("trusted.pem", "other-ca.pem");
	tls_store_look(w.store);
	expect_client_fails("localhost", "unknown CA (CN=ca)");
}
END_TEST

/* The peer sends one on a connection that was made under another trust. */
START_TEST(a_late_session_is_of_the_old_trust)
{
	replace_file("trusted.pem", "ca.pem");
	make_server_of(serving("server"));
	make_client_of(options(file("trusted.pem")));
	expect_good("localhost");
	read_tickets();
	replace_file("trusted.pem", "other-ca.pem");
	tls_store_look(w.store);
	send_ticket(&w.at_client, &w.at_server);
	expect_client_fails("localhost", "unknown CA (CN=ca)");
}
END_TEST

START_TEST(a_late_session_pushes_out_no_newer_one)
{
	struct end old_client, old_server;
	replace_file("trusted.pem", "ca.pem");
	make_server_of(serving("server"));
	make_client_of(options(file("trusted.pem")));
	ck_assert(!resumed("localhost"));
	set_aside(&old_client, &old_server);
	replace_file("trusted.pem", "ca.pem");
	tls_store_look(w.store);
	ck_assert(!resumed("localhost"));
	send_ticket(&old_client, &old_server);
	ck_assert(resumed("localhost"));
	end_close(&old_client);
	end_close(&old_server);
}
END_TEST

START_TEST(tickets_are_renewed_once_a_day)
{
	make_server_of(serving("server"));
	struct ssl_ctx_st *first = tls_context_use(w.server, NULL);
	tls_store_look(w.store);
	struct ssl_ctx_st *same = tls_context_use(w.server, NULL);
	ck_assert_ptr_eq(first, same);
	clock_advance(&w.clock, 86400000);
	tls_store_look(w.store);
	struct ssl_ctx_st *later = tls_context_use(w.server, NULL);
	ck_assert_ptr_ne(first, later);
	ck_assert_str_eq(logged(), "");
	SSL_CTX_free(first);
	SSL_CTX_free(same);
	SSL_CTX_free(later);
}
END_TEST

static void collect(void *arg, enum tls_part part, bool error, const char *text)
{
	buf_printf(arg, "%d%s: %s\n", (int)part, error ? "" : " (warning)", text);
}

static void expect_complaint(struct tls_config c, int errors, const char *wanted)
{
	struct buf text = BUF_INIT;
	int found = tls_check(&c, clock_wall(&w.clock), (struct tls_report){collect, &text});
	ck_assert_msg(found == errors, "%d errors: %s", found, buf_text(&text).data);
	contains(buf_text(&text).data, wanted);
	buf_free(&text);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(complaints_about_files)
{
	struct tls_config c = serving("server");
	expect_complaint(c, 0, "");
	c.certificate = file("missing.pem");
	expect_complaint(c, 1, "missing.pem`: No such file or directory");
	c.certificate = certificates_directory();
	expect_complaint(c, 1, "is not a file");
	c.certificate = file("nothing.pem");
	expect_complaint(c, 1, "0: ");
	expect_complaint(c, 1, "there is no certificate in PEM form in it");
	c = serving("server");
	c.key = file("renewed.key");
	expect_complaint(c, 1, "1: ");
	expect_complaint(c, 1, "renewed.key`: the key does not belong to the certificate in");
	c.key = file("encrypted.key");
	expect_complaint(c, 1, "encrypted.key`: the key has a password");
	c.key = file("server.pem");
	expect_complaint(c, 1, "server.pem`: there is no private key in PEM form in it");
	c.key = NULL;
	expect_complaint(c, 1, "0: needs a key beside it");
	c = serving("server");
	c.certificate = "";
	expect_complaint(c, 1, "1: needs a certificate beside it");
	c.key = "";
	expect_complaint(c, 1, "0: is missing");
	c = serving("expired");
	expect_complaint(c, 0, "0 (warning): ");
	c = asking(TLS_ASKS_REQUIRE);
	c.ca = NULL;
	expect_complaint(c, 1, "2: is missing");
	c.ca = file("nothing.pem");
	expect_complaint(c, 1, "there is no CA certificate in PEM form in it");
	c.ca = certificates_directory();
	expect_complaint(c, 1, "there is no CA in it that could be found: run `openssl rehash");
	c.ca = file("missing.pem");
	expect_complaint(c, 1, "2: ");
	c.certificate = file("missing.pem");
	c.key = file("nothing.pem");
	expect_complaint(c, 3, "No such file");
}
END_TEST

/* At most that many bytes of it; negative: the whole. */
static void append(const char *name, const char *from, long most)
{
	FILE *in = fopen(file(from), "r"), *out = fopen(file(name), "a");
	ck_assert(in && out);
	for (int c; most-- != 0 && (c = getc(in)) != EOF;)
		putc(c, out);
	fclose(in);
	fclose(out);
}

#define ALL  (-1L)
#define TORN 400L

static void append_text(const char *name, const char *text)
{
	FILE *out = fopen(file(name), "a");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

/* good, damaged, good */
static void make_damaged(const char *name, const char *first)
{
	unlink(file(name));
	append(name, first, ALL);
	append(name, "ca.pem", TORN);
	append_text(name, "!?\n-----END CERTIFICATE-----\n");
	append(name, "other-ca.pem", ALL);
}

static void make_torn(const char *name, const char *first)
{
	unlink(file(name));
	append(name, first, ALL);
	append(name, "other-ca.pem", TORN);
}

static struct tls_config trusting_bundle(void)
{
	struct tls_config c = asking(TLS_ASKS_REQUIRE);
	c.ca = file("bundle.pem");
	return c;
}

static struct tls_config serving_bundle(void)
{
	struct tls_config c = serving("server");
	c.certificate = file("bundle.pem");
	return c;
}

START_TEST(damaged_files_are_no_shorter_ones)
{
	make_damaged("bundle.pem", "ca.pem");
	expect_complaint(trusting_bundle(), 1, "2: ");
	expect_complaint(trusting_bundle(), 1, "bundle.pem`: is damaged after 1 certificate: ");
	make_torn("bundle.pem", "chained.pem");
	expect_complaint(
	    trusting_bundle(), 1, "bundle.pem`: is damaged after 2 certificates: ");
	make_damaged("bundle.pem", "nothing.pem");
	expect_complaint(
	    trusting_bundle(), 1, "bundle.pem`: is damaged after 0 certificates: ");
	struct tls_config client = {.side = TLS_CLIENT, .ca = file("bundle.pem")};
	expect_complaint(client, 1, "bundle.pem`: is damaged after 0 certificates: ");
	/* Words in between and at the end are none of our business. */
	unlink(file("bundle.pem"));
	append("bundle.pem", "ca.pem", ALL);
	append("bundle.pem", "nothing.pem", ALL);
	append("bundle.pem", "other-ca.pem", ALL);
	append("bundle.pem", "nothing.pem", ALL);
	expect_complaint(trusting_bundle(), 0, "");
}
END_TEST

START_TEST(damaged_chains_are_no_shorter_ones)
{
	make_damaged("bundle.pem", "server.pem");
	expect_complaint(serving_bundle(), 1, "0: ");
	expect_complaint(serving_bundle(), 1, "bundle.pem`: is damaged after 1 certificate: ");
	make_torn("bundle.pem", "server.pem");
	expect_complaint(serving_bundle(), 1, "bundle.pem`: is damaged after 1 certificate: ");
	make_torn("bundle.pem", "nothing.pem");
	expect_complaint(serving_bundle(), 1, "bundle.pem`: is damaged after 0 certificates: ");
}
END_TEST

START_TEST(damaged_files_replace_nothing)
{
	replace_file("trusted.pem", "ca.pem");
	make_server_of(serving("server"));
	make_client_of(options(file("trusted.pem")));
	expect_good("localhost");
	make_torn("bundle.pem", "other-ca.pem");
	replace_file("trusted.pem", "bundle.pem");
	tls_store_look(w.store);
	tls_store_look(w.store);
	ck_assert_uint_eq(count_logged("sink crm: tls.ca: "), 1);
	contains(logged(), "trusted.pem`: is damaged after 1 certificate: ");
	contains(logged(), "going on with what was loaded before");
	read_tickets();
	expect_good("localhost");
}
END_TEST

START_TEST(a_client_names_the_file_at_fault)
{
	const char *why = NULL;
	const struct tls_client_parts parts = {
	    .store = w.store, .base = w.base, .clock = &w.clock, .name = "sink crm"};
	struct ow_tls_options o = options(file("missing.pem"));
	ck_assert_ptr_null(tls_client_new(&parts, &o, &why));
	contains(why, "tls.ca: ");
	contains(why, "missing.pem`: No such file or directory");
	o = showing("client");
	o.key = file("server.key");
	ck_assert_ptr_null(tls_client_new(&parts, &o, &why));
	contains(why, "tls.key: ");
	contains(why, "does not belong to");
}
END_TEST

/* ---- peers that do not speak it ---- */

static void expect_server_fails(const char *bytes, size_t len, enum tls_reason reason)
{
	hang_up();
	connect_sockets();
	watch(&w.at_server, tls_server_accept(w.server, w.base, w.at_server.fd));
	ck_assert_int_eq(send(w.at_client.fd, bytes, len, 0), (ssize_t)len);
	shutdown(w.at_client.fd, SHUT_WR);
	until(over(&w.at_server));
	ck_assert_int_eq(w.reason, reason);
}

START_TEST(plain_peers)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	expect_server_fails("GET / HTTP/1.1\r\n\r\n", 18, TLS_NOT_TLS);
	contains(w.at_server.why, "it does not speak TLS");
	expect_server_fails("\x16\x03\x01", 3, TLS_CLOSED);
	expect_server_fails("", 0, TLS_CLOSED);
	contains(w.at_server.why, "it closed the connection during the handshake");
	expect_server_fails("\x16\x03\x01\x00\x05hello", 10, TLS_OTHER);

	hang_up();
	connect_sockets();
	watch(&w.at_client, tls_client_stream(w.client, w.at_client.fd, "localhost"));
	ck_assert_int_eq(send(w.at_server.fd, "HTTP/1.1 400 Bad\r\n\r\n", 20, 0), 20);
	until(over(&w.at_client));
	ck_assert_str_eq(w.at_client.why, "it does not speak TLS");

	hang_up();
	connect_sockets();
	watch(&w.at_client, tls_client_stream(w.client, w.at_client.fd, "localhost"));
	shutdown(w.at_server.fd, SHUT_WR);
	until(over(&w.at_client));
	ck_assert_str_eq(w.at_client.why, "it closed the connection during the TLS handshake");
}
END_TEST

/* errno is what the socket said, whatever was called meanwhile. */
START_TEST(the_socket_s_own_errors)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	make_client_of(options(file("ca.pem")));
	connect_sockets();
	watch(&w.at_client, tls_client_stream(w.client, w.at_client.fd, "localhost"));
	setsockopt(w.at_server.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(w.at_server.fd);
	w.at_server.fd = -1;
	until(over(&w.at_client));
	ck_assert_str_eq(w.at_client.why, strerror(ECONNRESET));
}
END_TEST

START_TEST(a_stale_error_is_nobody_s)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	begin("localhost");
	while (!w.at_client.connected || !w.at_server.connected) {
		ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
		event_base_loop(w.base, EVLOOP_NONBLOCK);
		ck_assert_msg(!over(&w.at_client) && !over(&w.at_server), "%s%s",
		    w.at_client.why, w.at_server.why);
	}
	for (int i = 0; i < 20; i++) {
		ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
		bufferevent_write(w.at_client.stream, "hello", 5);
		until(evbuffer_get_length(bufferevent_get_input(w.at_server.stream)) ==
		      5 * ((size_t)i + 1));
	}
	ck_assert(!over(&w.at_client) && !over(&w.at_server));
	ERR_clear_error();
}
END_TEST

/* libevent frees what is left after its callback; the socket's number may be another's by then.
 */
START_TEST(the_socket_is_not_libevent_s_to_close)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	expect_good("localhost");
	bufferevent_free(w.at_client.stream);
	w.at_client.stream = NULL;
	for (int i = 0; i < 5; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	int type;
	socklen_t len = sizeof(type);
	ck_assert_int_eq(getsockopt(w.at_client.fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
}
END_TEST

static int allocations_left;

static void *scarce_alloc(size_t size)
{
	return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *scarce_realloc(void *old, size_t size)
{
	return allocations_left-- > 0 ? realloc(old, size) : NULL;
}

/* libevent owns the SSL from the call on, also when that fails. */
START_TEST(no_memory_for_a_stream)
{
	make_server_of(serving("server"));
	make_client_of(options(file("ca.pem")));
	connect_sockets();
	event_set_mem_functions(scarce_alloc, scarce_realloc, free);
	allocations_left = 0;
	ck_assert_ptr_null(tls_client_stream(w.client, w.at_client.fd, "localhost"));
	ck_assert_ptr_null(tls_server_accept(w.server, w.base, w.at_server.fd));
	allocations_left = INT_MAX;
	event_set_mem_functions(malloc, realloc, free);
	ck_assert_int_eq(fcntl(w.at_client.fd, F_GETFD) < 0, 0);
	expect_good("localhost");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");
	tcase_add_unchecked_fixture(t, certificates_set_up, certificates_tear_down);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, names_and_addresses);
	tcase_add_test(t, wildcards_and_other_names);
	tcase_add_test(t, dates);
	tcase_add_test(t, trust);
	tcase_add_test(t, client_certificates);
	tcase_add_test(t, optional_client_certificates);
	tcase_add_test(t, sessions_are_resumed);
	tcase_add_test(t, a_chain_of_resumptions_ends);
	tcase_add_test(t, a_late_session_is_no_new_verification);
	tcase_add_test(t, a_session_ends_with_its_certificate);
	tcase_add_test(t, sessions_with_client_certificates);
	tcase_add_test(t, replaced_files_are_used);
	tcase_add_test(t, a_replaced_ca_is_used);
	tcase_add_test(t, a_late_session_is_of_the_old_trust);
	tcase_add_test(t, a_late_session_pushes_out_no_newer_one);
	tcase_add_test(t, tickets_are_renewed_once_a_day);
	tcase_add_test(t, complaints_about_files);
	tcase_add_test(t, damaged_files_are_no_shorter_ones);
	tcase_add_test(t, damaged_chains_are_no_shorter_ones);
	tcase_add_test(t, damaged_files_replace_nothing);
	tcase_add_test(t, a_client_names_the_file_at_fault);
	tcase_add_test(t, plain_peers);
	tcase_add_test(t, the_socket_s_own_errors);
	tcase_add_test(t, a_stale_error_is_nobody_s);
	tcase_add_test(t, the_socket_is_not_libevent_s_to_close);
	tcase_add_test(t, no_memory_for_a_stream);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
