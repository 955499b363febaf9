// Session tickets under keys that all contexts of the process share.
//
// A set of keys never changes once it is published; rotating publishes a new one by one atomic store, so that no
// handshake waits. Old sets are freed with the object, since a handshake may be reading one: 256 bytes for each
// rotation.
#include "private.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned char name[16], cipher[32], mac[32];
} ticket_key;

_Static_assert(sizeof(ticket_key) == OUTRIDER_TLS_KEY_BYTES, "the header says so");

typedef struct key_set {
    struct key_set *older;
    int count;
    ticket_key keys[OUTRIDER_TLS_KEYS_MAX];
} key_set;

struct outrider_tls_keys {
    _Atomic(key_set *) current;
};

outrider_tls_keys *outrider_tls_keys_new(void) {
    outrider_tls_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL || outrider_tls_keys_rotate(keys, NULL)) return keys;
    free(keys);
    return NULL;
}

void outrider_tls_keys_free(outrider_tls_keys *keys) {
    for (key_set *set = atomic_load(&keys->current), *older; set != NULL; set = older) {
        older = set->older;
        OPENSSL_cleanse(set, sizeof *set);
        free(set);
    }
    free(keys);
}

bool outrider_tls_keys_rotate(outrider_tls_keys *keys, const uint8_t *key) {
    key_set *old = atomic_load(&keys->current);
    key_set *set = calloc(1, sizeof *set);
    if (set == NULL) return false;
    if (key != NULL) {
        memcpy(&set->keys[0], key, sizeof(ticket_key));
    } else if (RAND_bytes((unsigned char *)&set->keys[0], sizeof(ticket_key)) != 1) {
        ERR_clear_error();
        free(set);
        return false;
    }
    set->count = 1;
    while (old != NULL && set->count < OUTRIDER_TLS_KEYS_MAX && set->count <= old->count) {
        set->keys[set->count] = old->keys[set->count - 1];
        set->count++;
    }
    set->older = old;
    atomic_store(&keys->current, set);
    return true;
}

static bool start(ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1
           && EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, encrypts) == 1;
}

// Returns as SSL_CTX_set_tlsext_ticket_key_evp_cb wants it: -1 failed, 0 no such key, 1 used, 2 used and to be renewed.
int outrider_tls_ticket_callback(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts
) {
    outrider_tls_context *context = context_of(ssl);
    if (context == NULL || context->keys == NULL) return encrypts ? -1 : 0;
    key_set *set = atomic_load(&context->keys->current);
    if (encrypts) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
        memcpy(name, set->keys[0].name, sizeof set->keys[0].name);
        return start(&set->keys[0], iv, cipher, mac, 1) ? 1 : -1;
    }
    for (int index = 0; index < set->count; index++) {
        if (memcmp(name, set->keys[index].name, sizeof set->keys[index].name) != 0) continue;
        if (!start(&set->keys[index], iv, cipher, mac, 0)) return -1;
        // A ticket of TLS 1.3 is for one use: give a new one.
        return index > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
    }
    return 0;
}
