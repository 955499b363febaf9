import Loop
import Testing
import Wire

@testable import Admin

/// Admin on a loop of its own thread, and a client that speaks bytes.
private final class Bench: @unchecked Sendable {
    let loop: EventLoop
    let address: SocketAddress
    private var server: AdminServer?
    private var thread: ThreadHandle?

    init(_ respond: @escaping @Sendable (AdminRequest) -> AdminResponse) throws {
        loop = try EventLoop()
        let server = try AdminServer(address: .ipv4(0x7F00_0001, port: 0), loop: loop, respond: respond)
        address = server.address
        self.server = server
        let loop = loop
        thread = try Loop.Thread.start(name: "admin") { loop.run() }
    }

    func end() {
        loop.post { [self] in
            server?.close()
            loop.stop()
        }
        thread?.join()
    }

    /// Sends bytes and reads until the server closes.
    func exchange(_ text: String) -> String {
        guard let fd = open() else { return "" }
        defer { Socket.close(fd) }
        send(fd, Array(text.utf8))
        Socket.shutdownWrite(fd)
        return String(decoding: drain(fd), as: UTF8.self)
    }

    private func open() -> Int32? {
        switch Socket.connect(address) {
        case .connected(let fd), .inProgress(let fd): fd
        case .failure: nil
        }
    }

    private func send(_ fd: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Socket.send(fd, UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            if count > 0 { sent += count } else if count != -11 && count != -115 && count != -107 { return }
        }
    }

    private func drain(_ fd: Int32) -> [UInt8] {
        var all: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = Socket.receive(fd, into: buffer)
            if count > 0 { all += buffer[..<count] } else if count != -11 { return all }
        }
    }
}

@Suite("The admin server")
struct AdminServerTests {
    private func echo(_ request: AdminRequest) -> AdminResponse {
        .text(
            "\(request.method) \(request.path) \(request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
        )
    }

    @Test("answers requests on one connection one after another, bodies skipped")
    func pipelining() throws {
        let bench = try Bench(echo)
        defer { bench.end() }
        let answer = bench.exchange(
            "POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        #expect(answer.contains("POST /a [\"x=1\"]"))
        #expect(answer.contains("GET /b []"))
        #expect(answer.hasSuffix("GET /b []"))
        #expect(answer.contains("connection: close"))
    }

    @Test("HEAD has the length and no body; HTTP/1.0 gets no chunks")
    func methods() throws {
        let bench = try Bench { request in
            if request.path == "/pieces" {
                var left = 3
                return AdminResponse(
                    body: .pieces {
                        left -= 1
                        return left >= 0 ? Array("piece".utf8) : nil
                    })
            }
            return .text("hello")
        }
        defer { bench.end() }
        let head = bench.exchange("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(head.contains("content-length: 5") && head.hasSuffix("\r\n\r\n"))
        let old = bench.exchange("GET /pieces HTTP/1.0\r\n\r\n")
        #expect(old.hasSuffix("\r\n\r\npiecepiecepiece") && old.contains("connection: close"))
        let new = bench.exchange("GET /pieces HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(new.hasSuffix("5\r\npiece\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n"))
    }

    @Test(
        "hostile requests are refused and hurt nobody",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "400"),
            ("GET / HTTP/1.1\nHost: h\n\n", "400"),
            ("\u{1}\u{2}\u{3}\r\n\r\n", "400"),
            ("GET / HTTP/3.0\r\nHost: h\r\n\r\n", "505"),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", "413"),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "a", count: 70_000) + "\r\n\r\n", "431"),
            ("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 500) + "\r\n", "431"),
        ])
    func hostile(request: String, status: String) throws {
        let bench = try Bench(echo)
        defer { bench.end() }
        let answer = bench.exchange(request)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(80))")
        #expect(bench.exchange("GET /after HTTP/1.1\r\nHost: h\r\n\r\n").contains("GET /after"))
    }

    @Test("a large answer arrives whole")
    func large() throws {
        let bench = try Bench { _ in
            var left = 200
            return AdminResponse(
                body: .pieces {
                    left -= 1
                    return left >= 0 ? [UInt8](repeating: 0x61, count: 50_000) : nil
                })
        }
        defer { bench.end() }
        let answer = bench.exchange("GET / HTTP/1.0\r\n\r\n")
        #expect(answer.utf8.count { $0 == 0x61 } >= 10_000_000)
    }

    @Test("targets are decoded without ever failing")
    func targets() {
        let request = AdminRequest(method: "GET", target: "/a%20b/%zz%4?x=1+2&x=3&=&y&z=%C3%A4%FF#f")
        #expect(request.path == "/a b/%zz%4")
        #expect(request.query == ["x": "1 2", "": "", "y": "", "z": "ä\u{FFFD}"])
        #expect(AdminRequest(method: "GET", target: "").path == "")
        #expect(AdminRequest(method: "GET", target: "?").query.isEmpty)
        #expect(AdminRequest(method: "GET", target: "/?" + String(repeating: "a&", count: 100_000)).query.count == 1)
    }
}
