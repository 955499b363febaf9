import Glibc
import Loop

/// An upstream server under a test's control: a thread for each connection, which hands every request that it read whole to the
/// test's closure and sends back what that returns.
final class Origin: Sendable {
    struct Request: Sendable {
        var head: String
        var body: [UInt8]
        /// The number of this request on its connection, from 1, and of the connection, from 1.
        var number: Int
        var connection: Int
        var line: String { String(head.prefix { $0 != "\r\n" }) }

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

    /// What the origin does with a request.
    enum Reaction: Sendable {
        case answer(String)
        case bytes([UInt8])
        /// Sends this and closes.
        case answerAndClose(String)
        case bytesAndClose([UInt8])
        /// Closes without a byte.
        case close
        /// Nothing at all, the connection stays open.
        case hang
    }

    let port: UInt16
    private let listener: Int32
    private let isStopped = Locked(false)
    private let received = Locked<[Request]>([])
    private let connections = Locked<[Int32]>([])
    private let react: @Sendable (Request) -> Reaction

    init(_ react: @escaping @Sendable (Request) -> Reaction) {
        self.react = react
        (listener, port) = TestSocket.listen()
        _ = try? Thread.start(name: "origin") { [self] in acceptAll() }
    }

    /// An origin that answers 200 with this text.
    convenience init(saying text: String) {
        self.init { _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)") }
    }

    /// The same at a Unix socket.
    init(saying text: String, unix path: String) {
        react = { _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)") }
        port = 0
        listener = TestSocket.listen(unix: path)
        _ = try? Thread.start(name: "origin") { [self] in acceptAll() }
    }

    /// Every request that arrived whole.
    var requests: [Request] { received.withLock { $0 } }
    var connectionCount: Int { connections.withLock { $0.count } }

    /// Stops accepting and closes all connections. Once: its descriptors may be others' by the second time.
    func stop() {
        guard
            !isStopped.withLock({ stopped in
                defer { stopped = true }
                return stopped
            })
        else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        connections.withLock { for fd in $0 where fd >= 0 { shutdown(fd, Int32(SHUT_RDWR)) } }
    }

    private func acceptAll() {
        while true {
            let fd = accept(listener, nil, nil)
            guard fd >= 0 else {
                // Closed here and not by `stop`, or its number would be another listener's by the next `accept`.
                close(listener)
                return
            }
            TestSocket.setTimeout(fd, seconds: 30)
            let number = connections.withLock { list in
                list.append(fd)
                return list.count
            }
            _ = try? Thread.start(name: "origin-\(number)") { [self] in serve(fd, number) }
        }
    }

    private func serve(_ fd: Int32, _ connection: Int) {
        defer { end(fd, connection) }
        var buffered: [UInt8] = []
        var number = 0
        while let request = Self.read(fd, &buffered) {
            number += 1
            let whole = Request(head: request.0, body: request.1, number: number, connection: connection)
            received.withLock { $0.append(whole) }
            switch react(whole) {
            case .answer(let text): TestSocket.sendAll(fd, Array(text.utf8))
            case .bytes(let bytes): TestSocket.sendAll(fd, bytes)
            case .answerAndClose(let text):
                TestSocket.sendAll(fd, Array(text.utf8))
                return
            case .bytesAndClose(let bytes):
                TestSocket.sendAll(fd, bytes)
                return
            case .close:
                return
            case .hang: break
            }
        }
    }

    /// Closes a connection; its number stays taken.
    private func end(_ fd: Int32, _ connection: Int) {
        connections.withLock { list in
            list[connection - 1] = -1
            shutdown(fd, Int32(SHUT_RDWR))
            close(fd)
        }
    }

    /// Reads one request with its body (length or chunked, raw).
    private static func read(_ fd: Int32, _ buffered: inout [UInt8]) -> (String, [UInt8])? {
        while RawClient.find(buffered, [13, 10, 13, 10]) == nil {
            let bytes = TestSocket.receive(fd)
            if bytes.isEmpty { return nil }
            buffered += bytes
        }
        guard let end = RawClient.find(buffered, [13, 10, 13, 10]) else { return nil }
        let head = String(decoding: buffered[..<(end + 2)], as: UTF8.self)
        buffered.removeFirst(end + 4)
        let lower = head.lowercased()
        if lower.contains("transfer-encoding: chunked") {
            while RawClient.find(buffered, Array("0\r\n".utf8)) == nil
                || RawClient.find(buffered, [13, 10, 13, 10]) == nil
            {
                let bytes = TestSocket.receive(fd)
                if bytes.isEmpty { return nil }
                buffered += bytes
            }
            guard let last = RawClient.find(buffered, [13, 10, 13, 10]) else { return nil }
            let body = Array(buffered[..<(last + 4)])
            buffered.removeFirst(last + 4)
            return (head, body)
        }
        var length = 0
        for line in lower.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            length = Int(line.dropFirst(15).filter { $0 != " " }) ?? 0
        }
        while buffered.count < length {
            let bytes = TestSocket.receive(fd)
            if bytes.isEmpty { return nil }
            buffered += bytes
        }
        let body = Array(buffered.prefix(length))
        buffered.removeFirst(length)
        return (head, body)
    }
}
