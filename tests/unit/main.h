/*
 * The main() of a unit test program: `TEST_MAIN(suite_function)` where
 * suite_function returns a Suite of the check library.
 */
#ifndef TESTS_UNIT_MAIN_H
#define TESTS_UNIT_MAIN_H

#include <check.h>
#include <stdlib.h>

#define TEST_MAIN(suite)                                                                       \
	int main(void)                                                                         \
	{                                                                                      \
		SRunner *runner = srunner_create(suite());                                     \
		srunner_run_all(runner, CK_ENV);                                               \
		int failed = srunner_ntests_failed(runner);                                    \
		srunner_free(runner);                                                          \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                   \
	}

#endif
