/*
 * What TLS is spoken with: certificates, keys and CAs, from files to OpenSSL.
 * Whatever is wrong with a file is said with its name, and which option it
 * belongs to.
 */
#ifndef IO_TLS_FILES_H
#define IO_TLS_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct x509_st;	   /* and X509 */

enum tls_side {
	TLS_CLIENT = 0,
	TLS_SERVER
};

/* Whether a listener asks its clients for a certificate. */
enum tls_asks {
	TLS_ASKS_NONE = 0,
	TLS_ASKS_OPTIONAL, /* one that is shown must be good */
	TLS_ASKS_REQUIRE,
};

/* Empty texts count as NULL. */
struct tls_config {
	enum tls_side side;
	const char *certificate, *key; /* PEM files */
	const char *ca;	 /* file or directory; NULL: a client takes the system's */
	int min_version; /* index: 1.2, 1.3 */
	enum tls_asks asks;
};

/* Which file a complaint is about; indexes the names of its option. */
enum tls_part {
	TLS_PART_CERTIFICATE = 0,
	TLS_PART_KEY,
	TLS_PART_CA,
	TLS_PARTS
};

/* Where complaints go. An error means that the configuration cannot be used. */
struct tls_report {
	void (*complain)(void *arg, enum tls_part part, bool error, const char *text);
	void *arg;
};

/* Looks at the files as tls_load() does. Returns the number of errors. */
int tls_check(const struct tls_config *config, int64_t wall_ms, struct tls_report report);

/* A context of these files, owned by the caller; NULL after an error. */
struct ssl_ctx_st *tls_load(
    const struct tls_config *config, int64_t wall_ms, struct tls_report report);

/* What tells that a file was replaced or written to. */
struct tls_stamp {
	struct {
		uint64_t device, inode;
		int64_t size, seconds, nanoseconds;
	} of[TLS_PARTS];
};

/* Zeroed first: it may be compared by its bytes. */
void tls_stamp(const struct tls_config *config, struct tls_stamp *stamp);

/* "3.0.11": of the OpenSSL that is loaded. */
const char *tls_library_version(void);

#define TLS_DATE_SIZE 16

/* When a certificate ends, by the wall clock; 0: not to be read. */
int64_t tls_end_ms(const struct x509_st *certificate);

/* "2026-11-21"; when the certificate ends, or begins. */
void tls_date(const struct x509_st *certificate, bool end, char out[TLS_DATE_SIZE]);

#endif
