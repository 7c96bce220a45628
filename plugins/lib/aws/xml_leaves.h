/*
 * Reads the little XML that STS answers with: elements and text. A document
 * type, a comment, CDATA or an entity has no place there, and is refused.
 */
#ifndef LIB_AWS_XML_LEAVES_H
#define LIB_AWS_XML_LEAVES_H

#include <onceway/plugin.h>

/* An element without elements in it. Texts are borrowed from the document. */
typedef void xml_leaf(
    struct ow_text parent, struct ow_text name, struct ow_text text, void *arg);

/* Calls leaf for each, in order. False: it is no such document; some may have been seen. */
bool xml_leaves(struct ow_text document, xml_leaf *leaf, void *arg);

#endif
