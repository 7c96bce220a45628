/* Takes secrets out of messages before anybody reads them. */
#ifndef BASE_CONCEAL_H
#define BASE_CONCEAL_H

#include <onceway/option.h>

#include "base/buf.h"

/*
 * Puts "the value given" where one of the secrets stands, or the beginning of
 * one: messages get cut. A secret of less than four bytes, which every second
 * word may hold, is only looked for between backquotes.
 */
void conceal(struct buf *text, struct ow_list secrets);

#endif
