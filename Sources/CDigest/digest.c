// SPDX-License-Identifier: Apache-2.0
#include "CDigest.h"

#include <openssl/evp.h>

// The opaque type is libcrypto's own under a name of ours.
static EVP_MD_CTX *context_of(cdigest_state *state) { return (EVP_MD_CTX *)state; }

cdigest_state *cdigest_create(void) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
    EVP_MD_CTX_free(context);
    return NULL;
  }
  return (cdigest_state *)context;
}

void cdigest_free(cdigest_state *state) { EVP_MD_CTX_free(context_of(state)); }

int cdigest_update(cdigest_state *state, const void *bytes, size_t count) {
  return EVP_DigestUpdate(context_of(state), bytes, count) == 1 ? 0 : -1;
}

int cdigest_finish(cdigest_state *state, uint8_t digest[32]) {
  unsigned int length = 32;
  return EVP_DigestFinal_ex(context_of(state), digest, &length) == 1 && length == 32 ? 0 : -1;
}
