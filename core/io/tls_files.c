#include "io/tls_files.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"

/* A certificate that ends sooner is worth a word. */
#define EXPIRES_SOON_MS INT64_C(1209600000) /* 14 days */

/* One look at a configuration's files. */
struct loading {
	const struct tls_config *config;
	SSL_CTX *context;
	int64_t wall_ms;
	struct tls_report report;
	int errors;
};

__attribute__((format(printf, 4, 5))) static void complain(
    struct loading *l, enum tls_part part, bool error, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list args;
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	l->report.complain(l->report.arg, part, error, text.data);
	l->errors += error;
	buf_free(&text);
	ERR_clear_error();
}

static bool given(const char *file)
{
	return file && file[0];
}

/* NULL, or what is wrong with it before anybody has read a byte. */
static const char *look_at(const char *file, bool directory_too, struct stat *st)
{
	if (stat(file, st) != 0)
		return strerror(errno);
	if (S_ISREG(st->st_mode) || (directory_too && S_ISDIR(st->st_mode)))
		return NULL;
	return directory_too ? "is neither a file nor a directory" : "is not a file";
}

static BIO *open_file(
    struct loading *l, enum tls_part part, const char *file, bool directory_too)
{
	struct stat st;
	const char *problem = look_at(file, directory_too, &st);
	BIO *bio = NULL;
	if (!problem) {
		errno = 0;
		bio = BIO_new_file(file, "r");
		if (!bio)
			problem = errno ? strerror(errno) : "cannot be opened";
	}
	if (!bio)
		complain(l, part, true, "`%s`: %s", file, problem);
	return bio;
}

/* PEM_read_...() would ask on the terminal for the password of an encrypted file. */
static int no_password(char *out, int size, int writing, void *arg)
{
	(void)out, (void)size, (void)writing;
	if (arg)
		*(bool *)arg = true;
	return -1;
}

/* ---- dates ---- */

static int64_t asn1_ms(const ASN1_TIME *time)
{
	struct tm tm = {.tm_sec = 0};
	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

int64_t tls_end_ms(const X509 *certificate)
{
	return asn1_ms(X509_get0_notAfter(certificate));
}

void tls_date(const X509 *certificate, bool end, char out[TLS_DATE_SIZE])
{
	struct tm tm = {.tm_sec = 0};
	ASN1_TIME_to_tm(
	    end ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), &tm);
	strftime(out, TLS_DATE_SIZE, "%Y-%m-%d", &tm);
}

/* No errors: a clock may be wrong, and what a peer accepts is the peer's business. */
static void check_dates(struct loading *l, const X509 *certificate)
{
	const char *file = l->config->certificate;
	char date[TLS_DATE_SIZE];
	int64_t end = tls_end_ms(certificate);
	tls_date(certificate, end < l->wall_ms + EXPIRES_SOON_MS, date);
	if (end < l->wall_ms)
		complain(l, TLS_PART_CERTIFICATE, false,
		    "`%s`: the certificate has expired on %s: replace it", file, date);
	else if (end < l->wall_ms + EXPIRES_SOON_MS)
		complain(l, TLS_PART_CERTIFICATE, false,
		    "`%s`: the certificate expires on %s: replace it before", file, date);
	else if (asn1_ms(X509_get0_notBefore(certificate)) > l->wall_ms)
		complain(l, TLS_PART_CERTIFICATE, false,
		    "`%s`: the certificate is not valid before %s", file, date);
}

/* ---- certificates and key ---- */

/*
 * Why PEM_read_bio_...() has no more: a file that was cut or written over must
 * not pass for a shorter one. Clears OpenSSL's errors.
 */
static void check_end(struct loading *l, enum tls_part part, const char *file, int count)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		complain(l, part, true, "`%s`: is damaged after %d certificate%s: %s", file,
		    count, count == 1 ? "" : "s", reason ? reason : "cannot be read");
	else if (count == 0)
		complain(l, part, true, "`%s`: there is no %s in PEM form in it", file,
		    part == TLS_PART_CA ? "CA certificate" : "certificate");
	ERR_clear_error();
}

/* The first is our own, those behind it lead to a CA. */
static X509 *load_certificate(struct loading *l)
{
	const char *file = l->config->certificate;
	BIO *bio = open_file(l, TLS_PART_CERTIFICATE, file, false);
	X509 *own, *next;
	if (!bio)
		return NULL;
	own = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
	if (own && SSL_CTX_use_certificate(l->context, own) != 1)
		complain(l, TLS_PART_CERTIFICATE, true, "`%s`: OpenSSL refuses it: %s", file,
		    ERR_reason_error_string(ERR_peek_error()));
	int count = own != NULL;
	for (; own && (next = PEM_read_bio_X509(bio, NULL, no_password, NULL)); count++)
		if (SSL_CTX_add0_chain_cert(l->context, next) != 1)
			X509_free(next);
	check_end(l, TLS_PART_CERTIFICATE, file, count);
	BIO_free(bio);
	return own;
}

static EVP_PKEY *load_key(struct loading *l)
{
	const char *file = l->config->key;
	bool encrypted = false;
	BIO *bio = open_file(l, TLS_PART_KEY, file, false);
	if (!bio)
		return NULL;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted);
	BIO_free(bio);
	if (!key && encrypted)
		complain(l, TLS_PART_KEY, true,
		    "`%s`: the key has a password, and nobody is there to type it: store it "
		    "without (openssl pkey -in ... -out ...)",
		    file);
	else if (!key)
		complain(l, TLS_PART_KEY, true,
		    "`%s`: there is no private key in PEM form in it", file);
	return key;
}

static void load_pair(struct loading *l)
{
	const struct tls_config *c = l->config;
	if (!given(c->certificate) || !given(c->key)) {
		if (given(c->certificate))
			complain(l, TLS_PART_CERTIFICATE, true, "needs a key beside it");
		else if (given(c->key))
			complain(l, TLS_PART_KEY, true, "needs a certificate beside it");
		else if (c->side == TLS_SERVER)
			complain(l, TLS_PART_CERTIFICATE, true,
			    "is missing: a listener has nothing else to show");
		return;
	}
	X509 *certificate = load_certificate(l);
	EVP_PKEY *key = load_key(l);
	if (certificate)
		check_dates(l, certificate);
	if (certificate && key && X509_check_private_key(certificate, key) != 1)
		complain(l, TLS_PART_KEY, true,
		    "`%s`: the key does not belong to the certificate in `%s`", c->key,
		    c->certificate);
	else if (certificate && key && SSL_CTX_use_PrivateKey(l->context, key) != 1)
		complain(l, TLS_PART_KEY, true, "`%s`: OpenSSL refuses it: %s", c->key,
		    ERR_reason_error_string(ERR_peek_error()));
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* ---- CAs ---- */

/* Its files are read when they are needed, by the hash of a CA's name. */
static void load_ca_directory(struct loading *l)
{
	const char *path = l->config->ca;
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;
	if (!dir) {
		complain(l, TLS_PART_CA, true, "`%s`: %s", path, strerror(errno));
		return;
	}
	while (!found && (entry = readdir(dir)))
		found =
		    strspn(entry->d_name, "0123456789abcdef") == 8 && entry->d_name[8] == '.';
	closedir(dir);
	if (!found)
		complain(l, TLS_PART_CA, true,
		    "`%s`: there is no CA in it that could be found: run `openssl rehash %s`",
		    path, path);
	else if (SSL_CTX_load_verify_dir(l->context, path) != 1)
		complain(
		    l, TLS_PART_CA, true, "`%s`: cannot be used as a directory of CAs", path);
	else if (l->config->side == TLS_SERVER)
		SSL_add_dir_cert_subjects_to_stack(
		    SSL_CTX_get_client_CA_list(l->context), path);
}

static void load_ca_file(struct loading *l)
{
	BIO *bio = open_file(l, TLS_PART_CA, l->config->ca, true);
	X509 *ca;
	int count = 0;
	if (!bio)
		return;
	while ((ca = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL))) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(l->context), ca);
		if (l->config->side == TLS_SERVER)
			SSL_CTX_add_client_CA(l->context, ca);
		X509_free(ca);
		count++;
	}
	check_end(l, TLS_PART_CA, l->config->ca, count);
	BIO_free(bio);
}

static void load_ca(struct loading *l)
{
	const struct tls_config *c = l->config;
	struct stat st;
	if (given(c->ca) && stat(c->ca, &st) == 0 && S_ISDIR(st.st_mode))
		load_ca_directory(l);
	else if (given(c->ca))
		load_ca_file(l);
	else if (c->side == TLS_CLIENT)
		SSL_CTX_set_default_verify_paths(l->context);
	else if (c->asks != TLS_ASKS_NONE)
		complain(l, TLS_PART_CA, true,
		    "is missing: say which CAs may have signed the clients' certificates");
}

/* ---- the whole ---- */

static SSL_CTX *context_new(const struct tls_config *c)
{
	SSL_CTX *context =
	    SSL_CTX_new(c->side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	if (!context)
		return NULL;
	SSL_CTX_set_min_proto_version(context, versions[c->min_version]);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* libevent sends what a full socket did not take from where it is then. */
	SSL_CTX_set_mode(
	    context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (c->side == TLS_SERVER) {
		/* A listener may have many connections that are idle. */
		SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_client_CA_list(context, sk_X509_NAME_new_null());
	}
	return context;
}

SSL_CTX *tls_load(const struct tls_config *config, int64_t wall_ms, struct tls_report report)
{
	struct loading l = {.config = config, .wall_ms = wall_ms, .report = report};
	ERR_clear_error();
	l.context = context_new(config);
	if (!l.context) {
		complain(&l, TLS_PART_CERTIFICATE, true, "OpenSSL cannot be used: %s",
		    ERR_reason_error_string(ERR_peek_error()));
		return NULL;
	}
	load_pair(&l);
	load_ca(&l);
	ERR_clear_error();
	if (l.errors == 0)
		return l.context;
	SSL_CTX_free(l.context);
	return NULL;
}

/* Counts what passes through to somebody else's report. */
struct counting {
	struct tls_report to;
	int errors;
};

static void count(void *arg, enum tls_part part, bool error, const char *text)
{
	struct counting *c = arg;
	c->errors += error;
	c->to.complain(c->to.arg, part, error, text);
}

int tls_check(const struct tls_config *config, int64_t wall_ms, struct tls_report report)
{
	struct counting c = {.to = report};
	SSL_CTX_free(tls_load(config, wall_ms, (struct tls_report){count, &c}));
	return c.errors;
}

void tls_stamp(const struct tls_config *config, struct tls_stamp *stamp)
{
	const char *const files[TLS_PARTS] = {[TLS_PART_CERTIFICATE] = config->certificate,
	    [TLS_PART_KEY] = config->key,
	    [TLS_PART_CA] = config->ca};
	memset(stamp, 0, sizeof(*stamp));
	for (int i = 0; i < TLS_PARTS; i++) {
		struct stat st;
		if (!given(files[i]) || stat(files[i], &st) != 0)
			continue;
		stamp->of[i].device = (uint64_t)st.st_dev;
		stamp->of[i].inode = (uint64_t)st.st_ino;
		stamp->of[i].size = (int64_t)st.st_size;
		stamp->of[i].seconds = (int64_t)st.st_mtim.tv_sec;
		stamp->of[i].nanoseconds = (int64_t)st.st_mtim.tv_nsec;
	}
}

const char *tls_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
