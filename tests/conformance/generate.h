/* JSON documents that nobody would think of: valid ones, made from valid ones. */
#ifndef CONFORMANCE_GENERATE_H
#define CONFORMANCE_GENERATE_H

#include "base/buf.h"
#include "base/random.h"

/* Replaces a value or name of the document, or changes some of its bytes; may be no JSON any
 * more. */
void generate_mutation(struct random *random, struct ow_text document, struct buf *out);
/* A document of its own, always valid. */
void generate_document(struct random *random, struct buf *out);

#endif
