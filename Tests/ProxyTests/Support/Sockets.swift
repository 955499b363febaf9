import Glibc
import Loop
import Wire

/// Blocking sockets for tests, with a time limit on every read so that a broken proxy fails a test instead of hanging it.
enum TestSocket {
    /// A listening socket on a free loopback port.
    static func listen() -> (fd: Int32, port: UInt16) {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        _ = withAddress(&address) { bind(fd, $0, $1) }
        _ = Glibc.listen(fd, 128)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        return (fd, UInt16(bigEndian: address.sin_port))
    }

    /// A listening Unix socket.
    static func listen(unix path: String) -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        _ = Glibc.listen(fd, 128)
        return fd
    }

    /// A port on which nobody listens: bound and closed again.
    static func freePort() -> UInt16 {
        let (fd, port) = listen()
        close(fd)
        return port
    }

    static func connect(port: UInt16) -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let result = withAddress(&address) { Glibc.connect(fd, $0, $1) }
        precondition(result == 0, "connect to \(port): \(errno)")
        setTimeout(fd, seconds: 20)
        return fd
    }

    /// A connection to any address, made blocking; nil when it cannot be made.
    static func connect(to address: SocketAddress) -> Int32? {
        let fd: Int32
        switch Socket.connect(address) {
        case .connected(let socket), .inProgress(let socket): fd = socket
        case .failure: return nil
        }
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
        setTimeout(fd, seconds: 20)
        return fd
    }

    static func setTimeout(_ fd: Int32, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    @discardableResult
    static func sendAll(_ fd: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Some bytes; empty at the end, on an error or after the time limit.
    static func receive(_ fd: Int32, max: Int = 65536) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            count = Swift.max(recv(fd, buffer.baseAddress, max, 0), 0)
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func withAddress(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// The resident memory of this process in KiB.
func residentKiB() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if text.hasPrefix("VmRSS:") { return Int(text.filter(\.isNumber)) ?? 0 }
    }
    return 0
}

/// A raw client: what it sends is exactly what the test says.
final class RawClient {
    let fd: Int32
    private var buffered: [UInt8] = []

    init(port: UInt16) { fd = TestSocket.connect(port: port) }
    init(fd: Int32) { self.fd = fd }
    deinit { close(fd) }

    @discardableResult
    func send(_ text: String) -> Bool { TestSocket.sendAll(fd, Array(text.utf8)) }
    func send(_ bytes: [UInt8]) -> Bool { TestSocket.sendAll(fd, bytes) }
    func finishSending() { shutdown(fd, Int32(SHUT_WR)) }

    /// One answer: head, body by its framing, and whether the connection ended behind it.
    struct Answer {
        var status = 0
        var head = ""
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }

        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                    return parts[1].drop { $0 == " " }.description
                }
            }
            return nil
        }
    }

    private func fill() -> Bool {
        let bytes = TestSocket.receive(fd)
        buffered += bytes
        return !bytes.isEmpty
    }

    /// Reads the next answer; nil at the end.
    func answer(headOnly: Bool = false) -> Answer? {
        var end = Self.find(buffered, [13, 10, 13, 10])
        while end == nil {
            if !fill() { return nil }
            end = Self.find(buffered, [13, 10, 13, 10])
        }
        var answer = Answer()
        answer.head = String(decoding: buffered[..<(end! + 2)], as: UTF8.self)
        buffered.removeFirst(end! + 4)
        answer.status = Int(answer.head.dropFirst(9).prefix(3)) ?? 0
        if headOnly || answer.status < 200 || answer.status == 204 || answer.status == 304 { return answer }
        if answer.field("transfer-encoding") == "chunked" {
            answer.body = chunks()
        } else if let length = answer.field("content-length").flatMap({ Int($0) }) {
            answer.body = take(length)
        } else {
            while fill() {}
            answer.body = buffered
            buffered = []
        }
        return answer
    }

    /// Reads an answer and throws its body away; how many bytes that was.
    func drainAnswer() -> Int {
        var end = Self.find(buffered, [13, 10, 13, 10])
        while end == nil {
            if !fill() { return -1 }
            end = Self.find(buffered, [13, 10, 13, 10])
        }
        let head = String(decoding: buffered[..<(end! + 2)], as: UTF8.self)
        let length = Answer(head: head).field("content-length").flatMap { Int($0) } ?? 0
        var got = buffered.count - end! - 4
        buffered = []
        while got < length {
            let count = TestSocket.receive(fd, max: 1 << 20).count
            if count == 0 { return got }
            got += count
        }
        return got
    }

    /// Whether the peer closes without sending more.
    func isClosed() -> Bool { buffered.isEmpty && TestSocket.receive(fd).isEmpty }

    func take(_ count: Int) -> [UInt8] {
        while buffered.count < count, fill() {}
        let taken = Array(buffered.prefix(count))
        buffered.removeFirst(taken.count)
        return taken
    }

    private func line() -> String {
        while Self.find(buffered, [13, 10]) == nil, fill() {}
        guard let end = Self.find(buffered, [13, 10]) else { return "" }
        let line = String(decoding: buffered[..<end], as: UTF8.self)
        buffered.removeFirst(end + 2)
        return line
    }

    /// Trailers of the last chunked body.
    var trailers: [String] = []

    private func chunks() -> [UInt8] {
        var body: [UInt8] = []
        while let size = Int(line(), radix: 16) {
            if size == 0 {
                trailers = []
                while true {
                    let next = line()
                    if next.isEmpty { return body }
                    trailers.append(next)
                }
            }
            body += take(size)
            _ = take(2)
        }
        return body
    }

    static func find(_ bytes: [UInt8], _ pattern: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { all in
            pattern.withUnsafeBytes { wanted in
                guard let start = all.baseAddress, let first = wanted.baseAddress else { return nil }
                var position = 0
                while position + wanted.count <= all.count {
                    guard let found = memchr(start + position, Int32(wanted[0]), all.count - position) else {
                        return nil
                    }
                    position = UnsafeRawPointer(found) - start
                    if position + wanted.count > all.count { return nil }
                    if memcmp(found, first, wanted.count) == 0 { return position }
                    position += 1
                }
                return nil
            }
        }
    }
}
