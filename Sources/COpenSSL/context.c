// Contexts: what a listener presents, or how a cluster is spoken to.
#include "private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// Forward secrecy and AEAD first; what follows is for clients of TLS 1.2 that have no better.
static const char default_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// What TLS 1.0 and 1.1 can speak at all, after those.
static const char old_ciphers[] =
    ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:"
    "ECDHE-RSA-AES256-SHA";

// MARK: Callbacks

// The server's order decides; without a common protocol the handshake goes on without one, as Envoy's does.
static int select_alpn(
    SSL *ssl, const unsigned char **chosen, unsigned char *count, const unsigned char *offered, unsigned offered_count,
    void *argument
) {
    (void)ssl;
    const outrider_tls_context *context = argument;
    unsigned char *match = NULL;
    int result = SSL_select_next_proto(
        &match, count, context->alpn, context->alpn_count, offered, offered_count);
    if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

// Any name is welcome: filter chains were chosen by it before. Accepting it makes OpenSSL keep it in the session.
static int accept_name(SSL *ssl, int *alert, void *argument) {
    (void)ssl, (void)alert, (void)argument;
    return SSL_TLSEXT_ERR_OK;
}

// A session whose client's certificate has expired since is not resumed.
static SSL_TICKET_RETURN admit_ticket(
    SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_count, SSL_TICKET_STATUS status,
    void *argument
) {
    (void)ssl, (void)name, (void)name_count, (void)argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    const X509 *peer = SSL_SESSION_get0_peer(session);
    if (peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0) return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static int verify(X509_STORE_CTX *store, void *argument) {
    const outrider_tls_context *context = argument;
    if (context->verification == OUTRIDER_TLS_UNVERIFIED) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (X509_verify_cert(store) != 1) return 0;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (context->check == NULL || certificate == NULL) return 1;
    switch (context->check(certificate, context->argument)) {
    case OUTRIDER_TLS_ACCEPTED: return 1;
    case OUTRIDER_TLS_WRONG_NAME: X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH); return 0;
    case OUTRIDER_TLS_NOT_PINNED: break;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

// MARK: Life

outrider_tls_context *outrider_tls_context_new(bool is_server, long ticket_seconds, long chain_bytes_max) {
    outrider_tls_context *context = calloc(1, sizeof *context);
    SSL_CTX *ssl = context != NULL ? SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()) : NULL;
    ERR_clear_error();
    if (ssl == NULL) {
        free(context);
        return NULL;
    }
    context->ssl = ssl;
    context->is_server = is_server;
    SSL_CTX_set_app_data(ssl, context);
    SSL_CTX_set_options(
        ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                 | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_clear_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(
        ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_verify_depth(ssl, 16);
    SSL_CTX_set_max_cert_list(ssl, chain_bytes_max);
    SSL_CTX_set_timeout(ssl, ticket_seconds);
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_cipher_list(ssl, default_ciphers);
    SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384:P-521");
    SSL_CTX_set_cert_verify_callback(ssl, verify, context);
    X509_VERIFY_PARAM_set_hostflags(
        SSL_CTX_get0_param(ssl), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // Servers keep nothing: tickets carry all. Clients keep sessions in a cache of their own.
    SSL_CTX_set_session_cache_mode(
        ssl, is_server ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (is_server) {
        SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
        SSL_CTX_set_tlsext_servername_callback(ssl, accept_name);
    } else {
        SSL_CTX_sess_set_new_cb(ssl, outrider_tls_new_session_callback);
    }
    ERR_clear_error();
    return context;
}

void outrider_tls_context_free(outrider_tls_context *context) {
    SSL_CTX_free(context->ssl);
    free(context->alpn);
    free(context);
}

// MARK: Versions and ciphers

static int wire_version(int32_t version) {
    switch (version) {
    case 10: return TLS1_VERSION;
    case 11: return TLS1_1_VERSION;
    case 12: return TLS1_2_VERSION;
    default: return TLS1_3_VERSION;
    }
}

bool outrider_tls_context_set_versions(outrider_tls_context *context, int32_t min, int32_t max) {
    if (min < 12) {
        char list[sizeof default_ciphers + sizeof old_ciphers];
        memcpy(list, default_ciphers, sizeof default_ciphers);
        memcpy(list + sizeof default_ciphers - 1, old_ciphers, sizeof old_ciphers);
        SSL_CTX_set_security_level(context->ssl, 0);
        SSL_CTX_set_cipher_list(context->ssl, list);
    }
    bool done = SSL_CTX_set_min_proto_version(context->ssl, wire_version(min)) == 1
                && SSL_CTX_set_max_proto_version(context->ssl, wire_version(max)) == 1;
    ERR_clear_error();
    return done;
}

const char *outrider_tls_context_find_cipher(const outrider_tls_context *context, const char *name) {
    (void)context;
    // A context that has every cipher of the library, for its list only.
    SSL_CTX *all = SSL_CTX_new(TLS_method());
    const char *found = NULL;
    if (all != NULL) {
        SSL_CTX_set_security_level(all, 0);
        SSL_CTX_set_cipher_list(all, "ALL:!aNULL:!eNULL");
        STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(all);
        for (int index = 0; found == NULL && index < sk_SSL_CIPHER_num(ciphers); index++) {
            const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, index);
            const char *standard = SSL_CIPHER_standard_name(cipher);
            if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0) continue;
            if (strcmp(SSL_CIPHER_get_name(cipher), name) == 0 || (standard != NULL && strcmp(standard, name) == 0)) {
                found = SSL_CIPHER_get_name(cipher);
            }
        }
        SSL_CTX_free(all);
    }
    ERR_clear_error();
    return found;
}

bool outrider_tls_context_set_ciphers(outrider_tls_context *context, const char *list) {
    bool done = SSL_CTX_set_cipher_list(context->ssl, list) == 1;
    ERR_clear_error();
    return done;
}

// MARK: Certificates

static int no_password(char *text, int capacity, int writing, void *argument) {
    (void)text, (void)capacity, (void)writing;
    *(bool *)argument = true;
    return -1;
}

outrider_tls_result outrider_tls_context_use(
    outrider_tls_context *context, outrider_tls_certificate *certificate, outrider_tls_certificate *const *chain,
    size_t chain_count, const void *key, size_t key_count
) {
    if (key_count == 0 || key_count > INT32_MAX) return OUTRIDER_TLS_KEY_UNREADABLE;
    ERR_clear_error();
    bool wants_password = false;
    BIO *source = BIO_new_mem_buf(key, (int)key_count);
    EVP_PKEY *private = source != NULL ? PEM_read_bio_PrivateKey(source, NULL, no_password, &wants_password) : NULL;
    BIO_free(source);
    ERR_clear_error();
    if (private == NULL) return wants_password ? OUTRIDER_TLS_KEY_ENCRYPTED : OUTRIDER_TLS_KEY_UNREADABLE;
    outrider_tls_result result = OUTRIDER_TLS_FAILED;
    STACK_OF(X509) *rest = sk_X509_new_null();
    bool listed = rest != NULL;
    for (size_t index = 0; listed && index < chain_count; index++) listed = sk_X509_push(rest, chain[index]) > 0;
    if (X509_check_private_key(certificate, private) != 1) {
        result = OUTRIDER_TLS_KEY_MISMATCH;
    } else if (listed) {
        if (SSL_CTX_use_cert_and_key(context->ssl, certificate, private, rest, 1) == 1) {
            result = OUTRIDER_TLS_OK;
        } else {
            int reason = ERR_GET_REASON(ERR_peek_error());
            bool weak = reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL
                        || reason == SSL_R_CA_MD_TOO_WEAK;
            result = weak ? OUTRIDER_TLS_KEY_WEAK : OUTRIDER_TLS_FAILED;
        }
    }
    sk_X509_free(rest);
    EVP_PKEY_free(private);
    ERR_clear_error();
    return result;
}

bool outrider_tls_context_trust(outrider_tls_context *context, outrider_tls_certificate *authority) {
    bool done = X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl), authority) == 1;
    if (done && context->is_server) SSL_CTX_add_client_CA(context->ssl, authority);
    ERR_clear_error();
    return done;
}

int32_t outrider_tls_context_revoke(outrider_tls_context *context, const void *pem, size_t count) {
    if (count > INT32_MAX) return -1;
    ERR_clear_error();
    BIO *source = BIO_new_mem_buf(count > 0 ? pem : "", (int)count);
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    int32_t lists = 0;
    X509_CRL *list;
    while (source != NULL && (list = PEM_read_bio_X509_CRL(source, NULL, NULL, NULL)) != NULL) {
        lists += X509_STORE_add_crl(store, list) == 1;
        X509_CRL_free(list);
    }
    unsigned long code = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    BIO_free(source);
    ERR_clear_error();
    if (!ended) return -1;
    if (lists > 0) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return lists;
}

void outrider_tls_context_share(outrider_tls_context *context, outrider_tls_store *store) {
    SSL_CTX_set1_cert_store(context->ssl, store);
    ERR_clear_error();
}

outrider_tls_store *outrider_tls_store_new(const char *path) {
    X509_STORE *store = X509_STORE_new();
    int done = 0;
    if (store != NULL) done = path != NULL ? X509_STORE_load_file(store, path) : X509_STORE_set_default_paths(store);
    ERR_clear_error();
    if (done == 1) return store;
    X509_STORE_free(store);
    return NULL;
}

void outrider_tls_store_free(outrider_tls_store *store) { X509_STORE_free(store); }

// MARK: Demands

void outrider_tls_context_verify(
    outrider_tls_context *context, outrider_tls_verification verification, outrider_tls_check check,
    const void *argument
) {
    context->verification = verification;
    context->check = check;
    context->argument = argument;
    int mode = verification == OUTRIDER_TLS_UNVERIFIED ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    if (verification == OUTRIDER_TLS_REQUIRED) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context->ssl, mode, NULL);
}

bool outrider_tls_context_set_alpn(outrider_tls_context *context, const uint8_t *list, size_t count) {
    if (count == 0 || count > 65535) return false;
    if (!context->is_server) {
        bool done = SSL_CTX_set_alpn_protos(context->ssl, list, (unsigned)count) == 0;
        ERR_clear_error();
        return done;
    }
    uint8_t *copy = malloc(count);
    if (copy == NULL) return false;
    memcpy(copy, list, count);
    free(context->alpn);
    context->alpn = copy;
    context->alpn_count = (unsigned)count;
    SSL_CTX_set_alpn_select_cb(context->ssl, select_alpn, context);
    return true;
}

bool outrider_tls_context_set_tickets(outrider_tls_context *context, outrider_tls_keys *keys, const uint8_t *scope) {
    context->keys = keys;
    SSL_CTX_clear_options(context->ssl, SSL_OP_NO_TICKET);
    bool done = SSL_CTX_set_session_id_context(context->ssl, scope, SSL_MAX_SID_CTX_LENGTH) == 1
                && SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ssl, outrider_tls_ticket_callback) == 1
                && SSL_CTX_set_session_ticket_cb(context->ssl, NULL, admit_ticket, NULL) == 1;
    ERR_clear_error();
    return done;
}
