/*
 * A body that is made of an event's fields: the value of `body`, a JSON document
 * written as YAML. A text that is nothing but a field becomes the field's value,
 * whatever its type; in any other text fields stand as texts.
 */
#ifndef SINK_HTTP_MAPPING_H
#define SINK_HTTP_MAPPING_H

#include "sink_http/field.h"

struct mapping;

/* For check(). body is not NULL. */
void mapping_check(const struct ow_node *body, const struct ow_report *report);

/* body has been checked, and is not needed afterwards. In create(). */
struct mapping *mapping_new(
    const struct ow_node *body, const struct ow_host *host, struct ow_instance *self);
void mapping_free(struct mapping *m); /* NULL is fine */

/* Adds the document. False: this event cannot be sent; with more than max bytes too. */
bool mapping_render(const struct mapping *m, const struct occasion *occasion, size_t max,
    struct draft *out, struct refusal *refusal);

#endif
