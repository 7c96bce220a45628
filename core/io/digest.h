/* SHA-256 of texts, by way of libcrypto: fetched once, the context used again. */
#ifndef IO_DIGEST_H
#define IO_DIGEST_H

#include <onceway/event.h>

struct digester;

/* Ends the process when libcrypto does not offer SHA-256. Owned by the caller. */
struct digester *digester_new(void);
void digester_free(struct digester *d); /* NULL is fine */

void digester_run(struct digester *d, struct ow_text text, unsigned char out[OW_DIGEST_SIZE]);

#endif
