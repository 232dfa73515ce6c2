// SPDX-License-Identifier: Apache-2.0
// SHA-256 for Swift, by libcrypto: Swift's own cryptography is not part of the toolchain.
#ifndef ESSCHER_CDIGEST_H
#define ESSCHER_CDIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct cdigest_state cdigest_state;

/// A fresh SHA-256 state, or NULL where libcrypto has none to give. Free with cdigest_free.
cdigest_state *cdigest_create(void);
void cdigest_free(cdigest_state *state);

/// Adds bytes; 0 on success.
int cdigest_update(cdigest_state *state, const void *bytes, size_t count);

/// Writes the 32 bytes of the digest; 0 on success. The state must not be used further.
int cdigest_finish(cdigest_state *state, uint8_t digest[32]);

#endif
