/* What SQS takes as text: UTF-8 of the characters that XML 1.0 allows. */
#ifndef SINK_SQS_CHARACTERS_H
#define SINK_SQS_CHARACTERS_H

#include <onceway/plugin.h>

/* NULL, or what is wrong with it: a static phrase such as "is not UTF-8". */
const char *characters_fault(struct ow_text text);

#endif
