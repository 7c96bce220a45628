/*
 * The process's TLS contexts: one for each configuration, shared by all
 * workers, and replaced when its files are. The main thread looks at the files
 * and loads them, so that no event loop waits for a disk.
 */
#ifndef IO_TLS_STORE_H
#define IO_TLS_STORE_H

#include <stddef.h>

#include "base/clock.h"
#include "io/tls_files.h"

struct ssl_ctx_st;
struct tls_context;
struct tls_store;

/* The clock is borrowed. */
struct tls_store *tls_store_new(const struct clock *clock);
void tls_store_free(struct tls_store *store); /* all contexts were released; NULL is fine */

/*
 * The context of a configuration, which is copied: counted, to be released.
 * name is whom the log speaks of. NULL with *why, which says which option's
 * file is at fault; valid until the next call for this store.
 */
struct tls_context *tls_store_get(struct tls_store *store, const struct tls_config *config,
    const char *name, const char **why);
void tls_store_release(struct tls_store *store, struct tls_context *context); /* NULL is fine */

/*
 * From any thread: a reference to what new connections are to use now, and, if
 * version is not NULL, which version that is.
 */
struct ssl_ctx_st *tls_context_use(struct tls_context *context, unsigned *version);
const struct tls_config *tls_context_config(const struct tls_context *context);
/* Grows when the files were replaced; what was agreed on before is then forgotten. */
unsigned tls_context_version(struct tls_context *context);

/*
 * Loads what was replaced since the last look. Unsound files leave the old
 * ones in use, and are told to the log, once for each change. Returns how many
 * contexts there are.
 */
size_t tls_store_look(struct tls_store *store);

#endif
