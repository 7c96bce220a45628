#include "tests/tls/certificates.h"

#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY   ((time_t)86400)
#define Y2020 ((time_t)1577836800)
#define Y2100 ((time_t)4102444800)

struct pair {
	X509 *certificate;
	EVP_PKEY *key;
};

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "certificates: %s failed\n", what);
	abort();
}

static FILE *create(const char *directory, const char *name, const char *suffix)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix);
	FILE *f = fopen(path, "w");
	need(f != NULL, path);
	return f;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	need(e && X509_add_ext(certificate, e, -1), value);
	X509_EXTENSION_free(e);
}

struct wish {
	const char *name;    /* of the files, and the subject's CN */
	const char *names;   /* subjectAltName; NULL: none */
	const char *purpose; /* extendedKeyUsage; NULL: it is a CA */
	time_t from, until;
};

/* issuer NULL: signed by itself. */
static struct pair make(const struct wish *w, const struct pair *issuer)
{
	static long serial = 1000;
	struct pair p = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
	X509 *c = p.certificate;
	X509_NAME *subject = X509_get_subject_name(c);
	need(c && p.key, "making a key");
	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
	ASN1_TIME_set(X509_getm_notBefore(c), w->from);
	ASN1_TIME_set(X509_getm_notAfter(c), w->until);
	X509_NAME_add_entry_by_txt(
	    subject, "CN", MBSTRING_UTF8, (const unsigned char *)w->name, -1, -1, 0);
	X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer->certificate) : subject);
	X509_set_pubkey(c, p.key);
	X509 *by = issuer ? issuer->certificate : c;
	extend(c, by, NID_basic_constraints,
	    w->purpose ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extend(c, by, NID_subject_key_identifier, "hash");
	if (w->purpose)
		extend(c, by, NID_ext_key_usage, w->purpose);
	if (w->names)
		extend(c, by, NID_subject_alt_name, w->names);
	need(X509_sign(c, issuer ? issuer->key : p.key, EVP_sha256()) > 0, "signing");
	return p;
}

static void store(const char *directory, const char *name, struct pair p, const X509 *behind)
{
	FILE *f = create(directory, name, ".pem");
	need(PEM_write_X509(f, p.certificate), name);
	if (behind)
		need(PEM_write_X509(f, (X509 *)(uintptr_t)behind), name);
	fclose(f);
	f = create(directory, name, ".key");
	need(PEM_write_PrivateKey(f, p.key, NULL, NULL, 0, NULL, NULL), name);
	fclose(f);
}

static void drop(struct pair p)
{
	X509_free(p.certificate);
	EVP_PKEY_free(p.key);
}

static void store_encrypted(const char *directory, EVP_PKEY *key)
{
	static unsigned char password[] = "hunter2";
	FILE *f = create(directory, "encrypted", ".key");
	need(PEM_write_PrivateKey(f, key, EVP_aes_256_cbc(), password, 7, NULL, NULL),
	    "encrypting");
	fclose(f);
}

static void store_hashed(const char *directory, X509 *ca)
{
	char name[64], path[4096];
	snprintf(path, sizeof(path), "%s/hashed", directory);
	mkdir(path, 0755);
	snprintf(name, sizeof(name), "hashed/%08lx.0",
	    X509_NAME_hash_ex(X509_get_subject_name(ca), NULL, NULL, NULL));
	FILE *f = create(directory, name, "");
	need(PEM_write_X509(f, ca), name);
	fclose(f);
}

void certificates_make(const char *directory)
{
	static const char here[] = "DNS:localhost,DNS:onceway.test,IP:127.0.0.1,IP:::1";
	static const char server[] = "serverAuth", client[] = "clientAuth";
	time_t now = time(NULL), from = now - DAY, until = now + 365 * DAY;
	const struct wish cas[] = {{"ca", NULL, NULL, from, until},
	    {"other-ca", NULL, NULL, from, until}, {"intermediate", NULL, NULL, from, until}};
	struct pair ca = make(&cas[0], NULL), other = make(&cas[1], NULL),
		    between = make(&cas[2], &ca);
	const struct {
		struct wish wish;
		const struct pair *issuer;
	} leaves[] = {{{"server", here, server, from, until}, &ca},
	    {{"renewed", here, server, from, until}, &ca},
	    {{"wrong-host", "DNS:other.example,DNS:*.far.example,IP:192.0.2.1", server, from,
		 until},
		&ca},
	    {{"nameless", NULL, server, from, until}, &ca},
	    {{"expired", here, server, Y2020 - DAY, Y2020}, &ca},
	    {{"future", here, server, Y2100, Y2100 + DAY}, &ca},
	    {{"soon", here, server, from, now + 3 * DAY}, &ca},
	    {{"self-signed", here, server, from, until}, NULL},
	    {{"unknown", here, server, from, until}, &other},
	    {{"client", NULL, client, from, until}, &ca},
	    {{"client-expired", NULL, client, Y2020 - DAY, Y2020}, &ca},
	    {{"client-unknown", NULL, client, from, until}, &other}};
	store(directory, "ca", ca, NULL);
	store(directory, "other-ca", other, NULL);
	store_hashed(directory, ca.certificate);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		struct pair p = make(&leaves[i].wish, leaves[i].issuer);
		store(directory, leaves[i].wish.name, p, NULL);
		if (i == 0)
			store_encrypted(directory, p.key);
		drop(p);
	}
	struct pair chained =
	    make(&(struct wish){"chained", here, server, from, until}, &between);
	store(directory, "chained", chained, between.certificate);
	drop(chained);
	FILE *f = create(directory, "nothing", ".pem");
	fputs("There is no certificate in here.\n", f);
	fclose(f);
	drop(between);
	drop(other);
	drop(ca);
}

/* ---- the fixture ---- */

static char fixture[64];

void certificates_set_up(void)
{
	strcpy(fixture, "/tmp/onceway-tls-XXXXXX");
	need(mkdtemp(fixture) != NULL, "making a directory");
	certificates_make(fixture);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void certificates_tear_down(void)
{
	nftw(fixture, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *certificates_directory(void)
{
	return fixture;
}
