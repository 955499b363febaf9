#ifndef OUTRIDER_CNGHTTP2_H
#define OUTRIDER_CNGHTTP2_H

#include <nghttp2/nghttp2.h>

#endif
