/* The helper's memory limit as it is applied: none under a sanitizer, whose
 * own address space does not fit below one. */
#ifndef MO_NODE_HELPER_LIMIT_H
#define MO_NODE_HELPER_LIMIT_H

#include "node/helper.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HELPER_LIMITED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HELPER_LIMITED 0
#endif
#endif
#ifndef HELPER_LIMITED
#define HELPER_LIMITED 1
#endif
#define HELPER_LIMIT_BYTES (HELPER_LIMITED ? HELPER_MEMORY_BYTES : 0)

#endif
