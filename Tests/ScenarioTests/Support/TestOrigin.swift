import Foundation
import Glibc
import Synchronization

/// An upstream server in the test's hands: a thread for each connection, which gives every request that came whole to the
/// test's closure and does what that says. It remembers all of them.
final class TestOrigin: Sendable {
    struct Request: Sendable {
        var message: MessageReader.Message
        /// Of the connection that it came on, from 1.
        var connection: Int
        var method: String { String(message.line.prefix { $0 != " " }) }
        var target: String {
            let words = message.line.split(separator: " ")
            return words.count > 1 ? String(words[1]) : ""
        }
        func field(_ name: String) -> String? { message.field(name) }
    }

    enum Reaction: Sendable {
        case answer(status: Int, body: String, fields: [String] = [])
        /// These bytes as they are.
        case bytes(String)
        /// Closes without a byte.
        case close
        /// Says nothing until the peer goes.
        case hang
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var open: Set<Int32> = []
        var isStopped = false
        var isListening = true
    }

    /// 0 for a Unix socket.
    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())
    private let react: @Sendable (Request) -> Reaction

    /// - Parameter port: 0 picks a free one.
    init(port: UInt16 = 0, _ react: @escaping @Sendable (Request) -> Reaction) throws {
        self.react = react
        listener = try TestSocket.listen(port: port)
        self.port = TestSocket.port(of: listener)
        start()
    }

    init(path: String, _ react: @escaping @Sendable (Request) -> Reaction) throws {
        self.react = react
        listener = try TestSocket.listen(path: path)
        port = 0
        start()
    }

    /// Answers 200 with this text.
    convenience init(saying text: String, port: UInt16 = 0) throws {
        try self.init(port: port) { _ in .answer(status: 200, body: text) }
    }

    var requests: [Request] { state.withLock { $0.requests } }
    var count: Int { state.withLock { $0.requests.count } }
    /// Connections accepted so far.
    var connections: Int { state.withLock { $0.connections } }

    /// Stops listening and cuts every connection. Behind it the port is free.
    func stop() {
        state.withLock { state in
            if !state.isStopped { shutdown(listener, Int32(SHUT_RDWR)) }
            state.isStopped = true
            for fd in state.open { shutdown(fd, Int32(SHUT_RDWR)) }
        }
        try? waitUntil("the listener is closed") { state.withLock { !$0.isListening } }
    }

    // MARK: - Private

    private func start() { Thread.detachNewThread { [self] in accept() } }

    private func accept() {
        // Closed by the thread that uses it, so that it never accepts for another who got the same number.
        defer {
            state.withLock { state in
                close(listener)
                state.isListening = false
            }
        }
        while true {
            let fd = Glibc.accept(listener, nil, nil)
            if fd < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
            let number: Int? = state.withLock { state in
                if state.isStopped { return nil }
                state.connections += 1
                state.open.insert(fd)
                return state.connections
            }
            guard let number else {
                close(fd)
                return
            }
            TestSocket.limit(fd, milliseconds: 120_000)
            Thread.detachNewThread { [self] in
                serve(fd, number)
                state.withLock { state in
                    state.open.remove(fd)
                    close(fd)
                }
            }
        }
    }

    private func serve(_ fd: Int32, _ connection: Int) {
        var reader = MessageReader(fd: fd)
        while var message = reader.head() {
            if message.field("expect")?.lowercased() == "100-continue" {
                TestSocket.send(fd, Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            }
            reader.body(of: &message, untilEnd: false)
            guard message.isWhole else { return }
            let request = Request(message: message, connection: connection)
            state.withLock { $0.requests.append(request) }
            switch react(request) {
            case .answer(let status, let body, let fields):
                var lines = ["HTTP/1.1 \(status) Whatever", "Content-Length: \(body.utf8.count)"] + fields
                if request.method == "HEAD" { lines[1] = "Content-Length: 0" }
                let head = lines.joined(separator: "\r\n") + "\r\n\r\n"
                TestSocket.send(fd, Array((request.method == "HEAD" ? head : head + body).utf8))
            case .bytes(let text): TestSocket.send(fd, Array(text.utf8))
            case .close: return
            case .hang: return _ = reader.rest()
            }
        }
    }
}
