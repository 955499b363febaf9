import Clusters
import Glibc
import Loop
import Routing
import Testing
import Wire

@testable import Proxy

@Suite("Slow peers hold bounded memory", .serialized)
struct BackpressureTests {
    /// A server that answers with `size` bytes, or swallows what it is sent, at the pace that its peer allows.
    private final class Pump: Sendable {
        let port: UInt16
        private let listener: Int32

        init(_ serve: @escaping @Sendable (Int32) -> Void) throws {
            (listener, port) = TestSocket.listen()
            let listener = listener
            _ = try Thread.start(name: "pump") {
                while true {
                    let fd = accept(listener, nil, nil)
                    guard fd >= 0 else {
                        close(listener)
                        return
                    }
                    TestSocket.setTimeout(fd, seconds: 30)
                    serve(fd)
                    close(fd)
                }
            }
        }

        func stop() {
            shutdown(listener, Int32(SHUT_RDWR))
        }

        static func give(_ fd: Int32, _ size: Int) {
            _ = TestSocket.receive(fd)
            TestSocket.sendAll(
                fd, Array("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(size)\r\n\r\n".utf8))
            let piece = [UInt8](repeating: 120, count: 1 << 20)
            for _ in 0..<(size >> 20) where !TestSocket.sendAll(fd, piece) { return }
        }
    }

    @Test("While 64 MiB wait for a client that does not read, the proxy holds a bounded buffer; then all arrives")
    func slowReader() throws {
        let size = 64 << 20
        let pump = try Pump { Pump.give($0, size) }
        defer { pump.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [pump.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        var largest = 0
        for _ in 0..<20 {
            usleep(10_000)
            largest = max(largest, proxy.bufferBytes)
        }
        #expect(largest > 0 && largest <= 256 * 1024)
        #expect(client.drainAnswer() == size)
        #expect(Harness.wait { proxy.bufferBytes == 0 })
    }

    @Test("While an upload waits for an origin that does not read, the proxy holds a bounded buffer; then all arrives")
    func slowOrigin() throws {
        let size = 64 << 20
        let go = Locked(false)
        let pump = try Pump { fd in
            while !go.withLock({ $0 }) { usleep(1000) }
            var rest = size
            var head: [UInt8] = []
            while RawClient.find(head, [13, 10, 13, 10]) == nil { head += TestSocket.receive(fd, max: 1) }
            while rest > 0 {
                let bytes = TestSocket.receive(fd)
                if bytes.isEmpty { return }
                rest -= bytes.count
            }
            TestSocket.sendAll(fd, Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
        }
        defer { pump.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [pump.port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        let fd = client.fd
        let sender = try Thread.start(name: "sender") {
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            for _ in 0..<(size >> 20) where !TestSocket.sendAll(fd, piece) { return }
        }
        var largest = 0
        for _ in 0..<20 {
            usleep(10_000)
            largest = max(largest, proxy.bufferBytes)
        }
        #expect(largest > 0 && largest <= Limits.replayBytesMax + 512 * 1024)
        go.withLock { $0 = true }
        #expect(client.answer()?.text == "ok")
        sender.join()
        #expect(Harness.wait { proxy.bufferBytes == 0 })
    }

    @Test("256 MiB pass down and up at flat memory")
    func flatMemory() throws {
        let size = 256 << 20
        let pump = try Pump { fd in
            var head: [UInt8] = []
            while RawClient.find(head, [13, 10, 13, 10]) == nil {
                let byte = TestSocket.receive(fd, max: 1)
                if byte.isEmpty { return }
                head += byte
            }
            var rest = head.starts(with: Array("POST".utf8)) ? size : 0
            while rest > 0 {
                let bytes = TestSocket.receive(fd)
                if bytes.isEmpty { return }
                rest -= bytes.count
            }
            TestSocket.sendAll(
                fd, Array("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(size)\r\n\r\n".utf8))
            let piece = [UInt8](repeating: 120, count: 1 << 20)
            for _ in 0..<(size >> 20) where !TestSocket.sendAll(fd, piece) { return }
        }
        defer { pump.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [pump.port])])
        let before = residentKiB()
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.drainAnswer() == size)
        let poster = proxy.client()
        poster.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        let piece = [UInt8](repeating: 1, count: 1 << 20)
        for _ in 0..<(size >> 20) { #expect(poster.send(piece)) }
        #expect(poster.drainAnswer() == size)
        // Generous: other tests of this process run meanwhile.
        #expect(residentKiB() - before < 128 * 1024)
    }
}
