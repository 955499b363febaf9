/// The header fields that the proxy itself looks at, so that each is recognised once, when the head is parsed, and found
/// afterwards without comparing strings. `other` is every other name.
@frozen @usableFromInline
package enum FieldName: UInt8, CaseIterable, Sendable {
    case other = 0
    case host, connection, contentLength, transferEncoding, keepAlive, proxyConnection, te, trailer, upgrade, expect
    case contentType, userAgent, referer, date, server, cookie, setCookie, authorization, location, accept, via, origin
    case xForwardedFor, xForwardedProto, xForwardedHost, xForwardedPort, xForwardedClientCert, xRequestID
    /// Any name that begins with `x-envoy-`.
    case xEnvoy
    case grpcTimeout, grpcStatus, grpcMessage, http2Settings, acceptEncoding, cacheControl, contentEncoding
    case b3, traceparent, lastModified, etag, age, accessControlRequestMethod, secWebSocketKey, proxyAuthorization

    /// The canonical (lower-case) spelling; empty for `other` and `xEnvoy`.
    package var spelling: StaticString {
        switch self {
        case .other, .xEnvoy: ""
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .contentType: "content-type"
        case .userAgent: "user-agent"
        case .referer: "referer"
        case .date: "date"
        case .server: "server"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .authorization: "authorization"
        case .location: "location"
        case .accept: "accept"
        case .via: "via"
        case .origin: "origin"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedClientCert: "x-forwarded-client-cert"
        case .xRequestID: "x-request-id"
        case .grpcTimeout: "grpc-timeout"
        case .grpcStatus: "grpc-status"
        case .grpcMessage: "grpc-message"
        case .http2Settings: "http2-settings"
        case .acceptEncoding: "accept-encoding"
        case .cacheControl: "cache-control"
        case .contentEncoding: "content-encoding"
        case .b3: "b3"
        case .traceparent: "traceparent"
        case .lastModified: "last-modified"
        case .etag: "etag"
        case .age: "age"
        case .accessControlRequestMethod: "access-control-request-method"
        case .secWebSocketKey: "sec-websocket-key"
        case .proxyAuthorization: "proxy-authorization"
        }
    }
}
