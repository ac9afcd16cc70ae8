/* cmocka with the headers it wants before it. */
#ifndef MO_TESTS_CM_H
#define MO_TESTS_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
