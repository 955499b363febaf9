// What the files of this shim share.
#ifndef OUTRIDER_COPENSSL_PRIVATE_H
#define OUTRIDER_COPENSSL_PRIVATE_H

#include "COpenSSL.h"

#include <openssl/ssl.h>

struct outrider_tls_context {
    SSL_CTX *ssl;
    bool is_server;
    uint8_t *alpn;
    unsigned alpn_count;
    outrider_tls_keys *keys;
    outrider_tls_verification verification;
    outrider_tls_check check;
    const void *argument;
};

static inline outrider_tls_context *context_of(const SSL *ssl) {
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/// The ticket callback of server contexts (tickets.c).
int outrider_tls_ticket_callback(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts);
/// The callback of client contexts that takes new sessions (session.c).
int outrider_tls_new_session_callback(SSL *ssl, SSL_SESSION *ticket);
/// OpenSSL's errors as faults (faults.c): reads and clears the error queue.
void outrider_tls_take_fault(outrider_tls_session *session);

#endif
