#ifndef OUTRIDER_COPENSSL_H
#define OUTRIDER_COPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#endif
