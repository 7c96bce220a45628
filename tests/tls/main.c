/* certificates DIR: for tests that are not in C. */
#include <stdio.h>

#include "tests/tls/certificates.h"

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: certificates DIR\n");
		return 2;
	}
	certificates_make(argv[1]);
	return 0;
}
