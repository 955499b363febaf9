/// Where a peer listens: an IP address and port, or a Unix socket's path. A plain value; the Loop turns it into a sockaddr.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The four bytes in network order, and the port.
    case ipv4(UInt32, port: UInt16)
    /// The sixteen bytes as two big-endian words, the port, and the scope (zone) of a link-local address.
    case ipv6(UInt64, UInt64, port: UInt16, scope: UInt32)
    /// A stream socket's path.
    case unix(String)

    package var port: UInt16 {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: 0
        }
    }

    /// The same host with another port; a Unix socket has none and stays as it is.
    package func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let host, _): .ipv4(host, port: port)
        case .ipv6(let high, let low, _, let scope): .ipv6(high, low, port: port, scope: scope)
        case .unix: self
        }
    }

    /// Whether this is 0.0.0.0 or ::.
    package var isUnspecified: Bool {
        switch self {
        case .ipv4(let host, _): host == 0
        case .ipv6(let high, let low, _, _): high == 0 && low == 0
        case .unix: false
        }
    }

    /// Whether this is in 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        switch self {
        case .ipv4(let host, _): host >> 24 == 127
        case .ipv6(let high, let low, _, _): high == 0 && low == 1
        case .unix: false
        }
    }

    /// The address without its port, IPv6 without brackets, a Unix socket as its path.
    package var host: String {
        switch self {
        case .ipv4(let host, _): "\(host >> 24).\(host >> 16 & 255).\(host >> 8 & 255).\(host & 255)"
        case .ipv6(let high, let low, _, _): Self.text(high, low)
        case .unix(let path): path
        }
    }

    package var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }

    /// The four or sixteen bytes of an IP address in network order; nil for a Unix socket.
    package var ipBytes: [UInt8]? {
        switch self {
        case .ipv4(let host, _): (0..<4).map { UInt8(truncatingIfNeeded: host >> UInt32(24 - $0 * 8)) }
        case .ipv6(let high, let low, _, _):
            (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - $0 % 8 * 8)) }
        case .unix: nil
        }
    }

    /// The address of four or sixteen bytes in network order.
    package init(ip bytes: [UInt8], port: UInt16) {
        precondition(bytes.count == 4 || bytes.count == 16, "an IP address has four or sixteen bytes")
        if bytes.count == 4 {
            self = .ipv4(bytes.reduce(0) { $0 << 8 | UInt32($1) }, port: port)
        } else {
            self = .ipv6(
                bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }, bytes[8...].reduce(0) { $0 << 8 | UInt64($1) },
                port: port, scope: 0)
        }
    }
}
