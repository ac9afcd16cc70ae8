/* Which delimiter: the one on which most of the first records agree. */
#include "codec/csv.h"

#define GUESS_RECORDS 128u /* records looked at */

/* Field counts of the first records, blank lines and a record cut by the end left out. */
static size_t count_fields(uint16_t counts[GUESS_RECORDS], struct span s, uint8_t delimiter)
{
	size_t n = 0, fields = 1;
	bool quoted = false, at_start = true, blank = true;
	for (size_t i = 0; i < s.n && n < GUESS_RECORDS; i++) {
		uint8_t c = s.p[i];
		if (quoted) {
			quoted = c != '"'; /* a doubled quote closes and opens again: at_start is kept for that */
			at_start = !quoted;
			continue;
		}
		if (c == '"' && at_start) {
			quoted = true;
			blank = false;
		} else if (c == delimiter) {
			fields++;
			at_start = true;
			blank = false;
			continue;
		} else if (c == '\n' || c == '\r') {
			if (!blank)
				counts[n++] = (uint16_t)(fields < UINT16_MAX ? fields : UINT16_MAX);
			fields = 1;
			at_start = blank = true;
			continue;
		} else {
			blank = false;
		}
		at_start = false;
	}
	if (n == 0 && !blank) /* a single line without an end */
		counts[n++] = (uint16_t)(fields < UINT16_MAX ? fields : UINT16_MAX);
	return n;
}

char csv_guess_delimiter(struct span head)
{
	/* In order of preference on a tie: commas also stand inside numbers and sentences, tabs hardly anywhere. */
	static const char delimiters[] = {'\t', ';', '|', ','};
	char best = ',';
	size_t best_agree = 0, best_fields = 0;
	for (size_t k = 0; k < sizeof(delimiters); k++) {
		uint16_t counts[GUESS_RECORDS];
		size_t n = count_fields(counts, head, (uint8_t)delimiters[k]);
		/* The count of two fields or more that most records have. */
		size_t agree = 0, fields = 0;
		for (size_t i = 0; i < n; i++) {
			size_t same = 0;
			if (counts[i] < 2)
				continue;
			for (size_t j = 0; j < n; j++)
				same += counts[j] == counts[i];
			if (same > agree) {
				agree = same;
				fields = counts[i];
			}
		}
		if (agree > best_agree || (agree == best_agree && agree && fields > 2 * best_fields)) {
			best = delimiters[k];
			best_agree = agree;
			best_fields = fields;
		}
	}
	return best;
}
