/* Runs a fuzz target on every file of a folder: REPLAY_CORPUS, or the first argument. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/fuzz/fuzz.h"

static void read_file(const char *folder, const char *name, struct buf *out)
{
	char path[4096], chunk[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	buf_clear(out);
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
		buf_add(out, chunk, n);
	fclose(file);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : REPLAY_CORPUS;
	struct buf input = BUF_INIT;
	int count = 0;
	DIR *dir = opendir(folder);
	if (!dir) {
		perror(folder);
		return EXIT_FAILURE;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		read_file(folder, entry->d_name, &input);
		/* Said beforehand: after an abort the last line names the input. */
		printf("%s (%zu bytes)\n", entry->d_name, input.len);
		fflush(stdout);
		LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&input).data, input.len);
		count++;
	}
	closedir(dir);
	buf_free(&input);
	printf("%d inputs\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
