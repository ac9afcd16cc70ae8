/* Checksums on pages (store/priv/pages.h). No table changes: a database that was made before is written anew by store_rewrite() once it has this
 * version, which also keeps older programs away, as what they write has none. */
#include "store/priv/migrations.h"

const char store_schema_tails[] = "";
