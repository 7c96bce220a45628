/*
 * How many processors this process may use: those of its CPU affinity, and no
 * more than its control groups give it time for.
 */
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

struct processors {
	unsigned usable;  /* the smaller of the two; at least 1 */
	unsigned allowed; /* by the affinity */
	unsigned quota;	  /* by control groups, version 2 or 1, rounded up; 0: no limit */
};

/* root: "", or another directory to find /proc and /sys in. */
struct processors processors_find(const char *root);

#endif
