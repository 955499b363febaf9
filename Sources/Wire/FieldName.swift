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

/// Finds a `FieldName` by its bytes: candidates by length, then one comparison without regard to case.
@usableFromInline
package enum FieldNames {
    @usableFromInline static let longest = 32

    /// `candidates[length]` lists the names of that length. Built once; read by all threads.
    @usableFromInline nonisolated(unsafe) static let candidates: [[(name: FieldName, bytes: UnsafePointer<UInt8>)]] = {
        var table = [[(name: FieldName, bytes: UnsafePointer<UInt8>)]](repeating: [], count: longest + 1)
        for name in FieldName.allCases where name.spelling.utf8CodeUnitCount > 0 {
            table[name.spelling.utf8CodeUnitCount].append((name, name.spelling.utf8Start))
        }
        return table
    }()

    /// The name that `bytes` spell, without regard to case. Cost: at most a few comparisons of short strings.
    package static func identify(_ bytes: UnsafePointer<UInt8>, count: Int) -> FieldName {
        if count >= 8, (bytes[0] | 0x20) == 0x78, bytes[1] == 0x2D {
            // "x-envoy-"
            if equalIgnoringCase(bytes, xEnvoyPrefix.utf8Start, count: 8) { return .xEnvoy }
        }
        guard count <= longest else { return .other }
        let first = bytes[0] | 0x20
        return Self.candidates.withUnsafeBufferPointer { table in
            for candidate in table[count] where candidate.bytes[0] == first {
                if equalIgnoringCase(bytes, candidate.bytes, count: count) { return candidate.name }
            }
            return .other
        }
    }

    private static let xEnvoyPrefix: StaticString = "x-envoy-"
}

/// Compares `count` bytes without regard to ASCII case. `lower` must be lower case already.
@inlinable
package func equalIgnoringCase(_ bytes: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, count: Int) -> Bool {
    var index = 0
    while index < count {
        let byte = bytes[index]
        let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        if folded != lower[index] { return false }
        index += 1
    }
    return true
}
