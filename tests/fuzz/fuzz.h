/*
 * A fuzz target. With clang's -fsanitize=fuzzer it is a fuzzer; linked with
 * replay.c it is a test that runs the inputs kept in tests/fuzz/corpus.
 *
 *	clang -fsanitize=fuzzer,address,undefined -g -O1 -D_GNU_SOURCE -pthread \
 *	    -I. -Icore -Icore/include -Iplugins tests/fuzz/fuzz_json.c core/json/x.c \
 *	    core/base/x.c plugins/lib/canonical.c plugins/lib/float_text.c
 *	./a.out -max_len=1000 new-inputs tests/fuzz/corpus/json
 *
 * with * for x. An input that made it abort belongs into the corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when something is wrong; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
