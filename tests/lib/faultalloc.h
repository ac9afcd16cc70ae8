/* Fails the Nth allocation made by the code under test. Linked with
 * --wrap=malloc,calloc,realloc (dependency faultalloc_dep), so that only calls
 * from our own static libraries and the test count; shared libraries have
 * hooks of their own. Not thread-safe by intent: sweeps run single-threaded. */
#ifndef MO_TESTS_FAULTALLOC_H
#define MO_TESTS_FAULTALLOC_H

#include <stdint.h>

/* The nth allocation from now (1-based) gives NULL; 0: none. */
void faultalloc_arm(uint64_t nth);
/* Allocations since the last arm. */
uint64_t faultalloc_count(void);
/* Whether the armed one was reached. */
int faultalloc_fired(void);

#endif
