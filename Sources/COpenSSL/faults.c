// OpenSSL's verification results, alerts and reasons as the faults that the proxy tells apart.
#define _GNU_SOURCE
#include "private.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static outrider_tls_fault verification_fault(long code) {
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return OUTRIDER_TLS_FAULT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return OUTRIDER_TLS_FAULT_NOT_YET_VALID;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return OUTRIDER_TLS_FAULT_UNKNOWN_ISSUER;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return OUTRIDER_TLS_FAULT_SELF_SIGNED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return OUTRIDER_TLS_FAULT_NAME_MISMATCH;
    case X509_V_ERR_CERT_REJECTED: return OUTRIDER_TLS_FAULT_NOT_PINNED;
    case X509_V_ERR_CERT_REVOKED: return OUTRIDER_TLS_FAULT_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED: return OUTRIDER_TLS_FAULT_NO_REVOCATION_LIST;
    default: return OUTRIDER_TLS_FAULT_BAD_CERTIFICATE;
    }
}

static outrider_tls_fault reason_fault(int reason) {
    switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return OUTRIDER_TLS_FAULT_NO_CERTIFICATE;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_INAPPROPRIATE_FALLBACK: return OUTRIDER_TLS_FAULT_PROTOCOL_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS: return OUTRIDER_TLS_FAULT_NO_SHARED_CIPHER;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return OUTRIDER_TLS_FAULT_NOT_TLS;
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
    case SSL_R_CERT_LENGTH_MISMATCH: return OUTRIDER_TLS_FAULT_BAD_CERTIFICATE;
    default: return OUTRIDER_TLS_FAULT_PROTOCOL;
    }
}

// A first record of TLS is a handshake's or an alert.
static bool began_as_tls(const outrider_tls_session *session) {
    return !session->has_first_byte || session->first_byte == 0x16 || session->first_byte == 0x15;
}

void outrider_tls_take_fault(outrider_tls_session *session) {
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    if (session->fault != OUTRIDER_TLS_FAULT_NONE) {
        // The first one counts.
    } else if (session->socket_error != 0 || (session->has_ended && code == 0)) {
        session->fault = OUTRIDER_TLS_FAULT_CLOSED;
        session->detail = (uint64_t)session->socket_error;
    } else if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
        session->fault = OUTRIDER_TLS_FAULT_PROTOCOL;
        session->detail = code;
    } else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        session->fault = OUTRIDER_TLS_FAULT_CLOSED;
    } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        session->detail = (uint64_t)SSL_get_verify_result(session->ssl);
        session->fault = verification_fault((long)session->detail);
    } else if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
        session->fault = OUTRIDER_TLS_FAULT_PEER_ALERT;
        session->detail = (uint64_t)(reason - SSL_AD_REASON_OFFSET);
    } else {
        session->detail = code;
        session->fault = began_as_tls(session) ? reason_fault(reason) : OUTRIDER_TLS_FAULT_NOT_TLS;
    }
    ERR_clear_error();
}

size_t outrider_tls_session_detail(const outrider_tls_session *session, char *text, size_t capacity) {
    const char *words = NULL;
    switch (session->fault) {
    case OUTRIDER_TLS_FAULT_EXPIRED:
    case OUTRIDER_TLS_FAULT_NOT_YET_VALID:
    case OUTRIDER_TLS_FAULT_UNKNOWN_ISSUER:
    case OUTRIDER_TLS_FAULT_SELF_SIGNED:
    case OUTRIDER_TLS_FAULT_NAME_MISMATCH:
    case OUTRIDER_TLS_FAULT_NOT_PINNED:
    case OUTRIDER_TLS_FAULT_REVOKED:
    case OUTRIDER_TLS_FAULT_NO_REVOCATION_LIST: words = X509_verify_cert_error_string((long)session->detail); break;
    case OUTRIDER_TLS_FAULT_BAD_CERTIFICATE:
        words = session->detail < 4096 ? X509_verify_cert_error_string((long)session->detail)
                                       : ERR_reason_error_string((unsigned long)session->detail);
        break;
    case OUTRIDER_TLS_FAULT_PEER_ALERT: words = SSL_alert_desc_string_long((int)session->detail); break;
    case OUTRIDER_TLS_FAULT_CLOSED:
        words = session->detail != 0 ? strerrordesc_np((int)session->detail) : NULL;
        break;
    default: words = session->detail != 0 ? ERR_reason_error_string((unsigned long)session->detail) : NULL; break;
    }
    size_t count = words != NULL ? strlen(words) : 0;
    if (count > capacity) count = capacity;
    if (count > 0) memcpy(text, words, count);
    ERR_clear_error();
    return count;
}
