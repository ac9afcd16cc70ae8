/* What an export's README says, in both languages: each file and each column. */
#ifndef MO_API_EXPORT_README_H
#define MO_API_EXPORT_README_H

#include "base/span.h"

/* With a byte order mark; never changes. */
struct span api_export_readme(bool korean);

#endif
