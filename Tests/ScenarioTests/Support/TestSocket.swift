import Foundation
import Glibc
import Synchronization

/// Blocking sockets with a time limit on every call, so that a broken proxy fails a test instead of hanging it.
enum TestSocket {
    static let limitSeconds = 20
    private static let given = Mutex<Set<UInt16>>([])

    /// A listening socket on the loopback, or on a Unix socket. Port 0 picks a free one.
    static func listen(port: UInt16 = 0) throws -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port)
        guard generic(&address, { bind(fd, $0, $1) }) == 0, Glibc.listen(fd, 1024) == 0 else {
            close(fd)
            throw ScenarioError("cannot listen on port \(port): \(String(cString: strerror(errno)))")
        }
        return fd
    }

    static func listen(path: String) throws -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw ScenarioError("\(path) is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        guard generic(&address, { bind(fd, $0, $1) }) == 0, Glibc.listen(fd, 128) == 0 else {
            close(fd)
            throw ScenarioError("cannot listen on \(path): \(String(cString: strerror(errno)))")
        }
        return fd
    }

    /// The port that a listening socket has.
    static func port(of fd: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// A port on which nobody listens, below those that the system gives to connections: none of them can take it meanwhile.
    /// Never the same twice, as the one who asked may take a while to listen.
    static func freePort() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }), let fd = try? listen(port: port) else { continue }
            close(fd)
            return port
        }
        throw ScenarioError("no port is free")
    }

    /// A connection to the loopback; nil when it is refused.
    static func connect(port: UInt16) -> Int32? {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port)
        guard generic(&address, { Glibc.connect(fd, $0, $1) }) == 0 else {
            close(fd)
            return nil
        }
        limit(fd, milliseconds: limitSeconds * 1000)
        return fd
    }

    /// How long one receive or send may take.
    static func limit(_ fd: Int32, milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    @discardableResult
    static func send(_ fd: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func generic<Address>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

/// What kept a test from going on, as a sentence.
struct ScenarioError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
