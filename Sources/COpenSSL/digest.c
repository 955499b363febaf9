// Small digests for other rooms.
#include "private.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

bool outrider_tls_sha1(const void *bytes, size_t count, uint8_t *digest) {
    return EVP_Digest(bytes, count, digest, NULL, EVP_sha1(), NULL) == 1;
}

size_t outrider_tls_base64(const void *bytes, size_t count, uint8_t *text) {
    return (size_t)EVP_EncodeBlock(text, bytes, (int)count);
}
