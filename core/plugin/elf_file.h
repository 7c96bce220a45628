/* Looks at a shared object before the dynamic linker maps it. */
#ifndef PLUGIN_ELF_FILE_H
#define PLUGIN_ELF_FILE_H

struct arena;

/*
 * What is wrong with the file, as a phrase from arena that goes on behind its
 * name, or NULL. The linker maps what the headers promise without asking how
 * long the file is: of a file that was cut short (a full disk, a copy that was
 * broken off), reading the rest would end the process with SIGBUS. All else
 * that may be wrong is left to the linker.
 */
const char *elf_file_check(const char *file, struct arena *arena);

#endif
