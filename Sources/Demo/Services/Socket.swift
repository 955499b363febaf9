import Glibc
import Wire

/// A blocking stream socket, closed when it is let go. Time-outs in seconds end a wait with an error.
final class Socket {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    // MARK: - Making one

    /// Listens at an address; port 0 picks a free one, which `localAddress` tells.
    static func listening(at address: SocketAddress) throws -> Socket {
        let made = try Socket(for: address)
        var on: Int32 = 1
        setsockopt(made.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let bound = try withSockaddr(address) { bind(made.descriptor, $0, $1) }
        guard bound == 0, listen(made.descriptor, 256) == 0 else {
            throw DemoError("Cannot listen at \(address): \(Self.reason(errno)).")
        }
        return made
    }

    /// Connects within `seconds`; the same limit holds for every later read and write.
    static func connected(to address: SocketAddress, seconds: Int) throws -> Socket {
        let made = try Socket(for: address)
        made.limitWaits(seconds: seconds)
        let result = try withSockaddr(address) { connect(made.descriptor, $0, $1) }
        guard result == 0 else { throw DemoError("Cannot connect to \(address): \(Self.reason(errno)).") }
        made.sendAtOnce()
        return made
    }

    /// The next client. Nil when the socket is out of order.
    func accepted() -> Socket? {
        while true {
            let client = accept(descriptor, nil, nil)
            if client >= 0 {
                let made = Socket(descriptor: client)
                made.sendAtOnce()
                return made
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(10_000)
            default: return nil
            }
        }
    }

    /// Where the socket is bound.
    var localAddress: SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { base -> SocketAddress? in
                guard getsockname(descriptor, base, &length) == 0 else { return nil }
                guard base.pointee.sa_family == AF_INET else { return nil }
                return base.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    .ipv4(UInt32(bigEndian: $0.pointee.sin_addr.s_addr), port: UInt16(bigEndian: $0.pointee.sin_port))
                }
            }
        }
    }

    /// The addresses of a name. Blocks on the resolver.
    static func resolve(_ host: String, port: UInt16) -> SocketAddress? {
        if let address = SocketAddress(host: host, port: port) { return address }
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        return first.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            .ipv4(UInt32(bigEndian: $0.pointee.sin_addr.s_addr), port: port)
        }
    }

    // MARK: - Bytes

    /// Sends all bytes or throws.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw DemoError("Cannot send: \(Self.reason(errno)).") }
            sent += count
        }
    }

    /// Waits for bytes. 0 when the peer closed.
    func receive(into buffer: inout [UInt8]) throws -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count >= 0 { return count }
            if errno == EINTR { continue }
            throw DemoError("Cannot receive: \(Self.reason(errno)).")
        }
    }

    // MARK: - Details

    private convenience init(for address: SocketAddress) throws {
        let family: Int32 =
            switch address {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        let made = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw DemoError("Cannot make a socket: \(Self.reason(errno)).") }
        self.init(descriptor: made)
    }

    private func sendAtOnce() {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private func limitWaits(seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// The system's words for an error number; a wait that a time-out ended says so.
    private static func reason(_ code: Int32) -> String {
        code == EAGAIN || code == EINPROGRESS ? "no answer in time" : String(cString: strerror(code))
    }

    private static func withSockaddr<R>(
        _ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) throws -> R {
        var storage = sockaddr_storage()
        return try withUnsafeMutableBytes(of: &storage) { bytes in
            let base = bytes.baseAddress!
            let length: Int
            switch address {
            case .ipv4(let host, let port):
                base.assumingMemoryBound(to: sockaddr_in.self).pointee = sockaddr_in(
                    sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian,
                    sin_addr: in_addr(s_addr: host.bigEndian), sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
                length = MemoryLayout<sockaddr_in>.size
            case .ipv6(let high, let low, let port, let scope):
                var made = sockaddr_in6()
                made.sin6_family = sa_family_t(AF_INET6)
                made.sin6_port = port.bigEndian
                made.sin6_scope_id = scope
                withUnsafeMutableBytes(of: &made.sin6_addr) {
                    $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                    $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
                }
                base.assumingMemoryBound(to: sockaddr_in6.self).pointee = made
                length = MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                guard path.utf8.count <= 107 else { throw DemoError("The path \(path) is too long for a socket.") }
                base.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                for (index, byte) in path.utf8.enumerated() { bytes[2 + index] = byte }
                length = 2 + path.utf8.count + 1
            }
            return body(UnsafePointer(base.assumingMemoryBound(to: sockaddr.self)), socklen_t(length))
        }
    }
}
