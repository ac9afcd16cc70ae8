/* Any bytes as a file of keys: a file that is whole is written again byte for byte; of a damaged one only entries whose checksum holds are given; the
 * rest is refused. */
#include <stdlib.h>
#include <string.h>

#include "store/people.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct people_key *keys = NULL;
	struct buf b;
	size_t n = 0;
	bool damaged = false;
	int err = people_keys_read(&keys, &n, &damaged, span_of(data, size));
	if (err == MO_ECORRUPT || err == MO_EVERSION || err == MO_ENOMEM)
		return 0;
	if (err || n > PEOPLE_MAX || n * PEOPLE_ENTRY > size)
		abort();
	buf_init(&b, 0);
	if (people_keys_write(&b, keys, n))
		abort();
	if (!damaged && (b.n != size || memcmp(b.p, data, size) != 0))
		abort();
	buf_free(&b);
	people_keys_free(keys, n);
	return 0;
}
