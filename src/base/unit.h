/* Units: the text people write (℃, kWh, ㎍/㎥, N·m) to one code of UNECE
 * Recommendation 20 where there is one, and the symbol we show. One table. */
#ifndef MO_BASE_UNIT_H
#define MO_BASE_UNIT_H

#include "base/span.h"

struct unit {
	const char *code;   /* UNECE Rec 20 common code, "" where none fits */
	const char *symbol; /* as shown: "°C", "kWh", "µg/m³" */
	const char *quantity; /* "temperature", "energy"... English, lower case */
};
/* A unit as people write it behind a name: symbol, the usual Korean and English spellings, full-width and composed signs (㎍/㎥), blanks
 * anywhere, '.' or '*' for the product. NULL when unknown, or when only its case differs and it is shorter than three bytes or two units
 * match. No codes: in a header "D5", "C31" and "4K" are zones and machines. Of single letters only those that are commonly
 * units (A, V, W, m, s ...): "D" and "B" are not. A linear search (a microsecond or ten): ask once per column, not per value.
 * The unit is static. */
const struct unit *unit_find(struct span text);
/* Every row, for tests and docs: index 0.. until NULL. */
const struct unit *unit_at(unsigned index);

#endif
