import Clusters
import Glibc
import Loop
import Routing
import Testing
import Wire

@testable import Proxy

@Suite("Mutated traffic")
struct MutationTests {
    /// Numbers that are the same in every run.
    private struct Draws: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private static func mutate(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
        var bytes = bytes
        let telling = Array("\r\n :;,0\t\0\u{7F}AaxX-1".utf8)
        for _ in 0..<Int.random(in: 0...3, using: &draws) {
            let position = Int.random(in: 0..<bytes.count, using: &draws)
            switch Int.random(in: 0..<6, using: &draws) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &draws)
            case 1: bytes[position] = telling.randomElement(using: &draws)!
            case 2: bytes.insert(telling.randomElement(using: &draws)!, at: position)
            case 3: bytes.remove(at: position)
            case 4: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...20, using: &draws)))
            default:
                let end = min(bytes.count, position + Int.random(in: 1...30, using: &draws))
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            }
            if bytes.isEmpty { bytes = [0] }
        }
        return bytes
    }

    /// What is wrong with a request that reached the origin; nil when it is clean.
    private static func fault(_ request: Origin.Request) -> String? {
        var lengths = 0
        var codings = 0
        var hosts = 0
        let lines = request.head.split(separator: "\r\n", omittingEmptySubsequences: true)
        guard let first = lines.first, first.hasSuffix(" HTTP/1.1"), first.split(separator: " ").count == 3 else {
            return "request line"
        }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return "a line without a name" }
            let name = line[..<colon].lowercased()
            if name.contains(" ") || name.contains("\t") { return "space in a name" }
            if name == "content-length" { lengths += 1 }
            if name == "transfer-encoding" { codings += 1 }
            if name == "host" { hosts += 1 }
            if ["connection", "keep-alive", "upgrade", "proxy-connection"].contains(name) {
                return "hop-by-hop: \(name)"
            }
        }
        if request.head.utf8.contains(where: { $0 == 0 }) || request.head.replacing("\r\n", with: "").contains("\n") {
            return "a bare control character"
        }
        if lengths + codings > 1 { return "two framings" }
        if hosts != 1 { return "\(hosts) hosts" }
        return nil
    }

    private static let requests: [String] = [
        "GET /a?b=c HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n",
        "GET http://b.example/abs HTTP/1.1\r\nHost: a\r\nConnection: x-drop, close\r\nX-Drop: 1\r\n\r\n",
        "HEAD /h HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        "PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nTE: trailers\r\n\r\nok",
    ]

    @Test("Whatever a client sends, an origin sees clean requests only, and the proxy goes on serving")
    func requests() throws {
        let faults = Locked<[String]>([])
        let origin = Origin { request in
            if let fault = Self.fault(request) { faults.withLock { $0.append("\(fault): \(request.head)") } }
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        var draws = Draws(state: 7)
        for _ in 0..<2000 {
            let client = proxy.client()
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &draws) {
                bytes += Array(Self.requests.randomElement(using: &draws)!.utf8)
            }
            bytes = Self.mutate(bytes, &draws)
            let cut = Int.random(in: 0...bytes.count, using: &draws)
            _ = client.send(Array(bytes[..<cut]))
            _ = client.send(Array(bytes[cut...]))
            // Some wait for an answer's first bytes, the others leave at once.
            if Bool.random(using: &draws) {
                client.finishSending()
                _ = TestSocket.receive(client.fd)
            }
        }
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.answer()?.status == 200)
        close(dup(client.fd))
        client.finishSending()
        #expect(faults.withLock { $0 } == [])
        #expect(proxy.isIdle())
        #expect(Harness.wait { proxy.bufferBytes == 0 })
    }

    private static let answers: [String] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ]

    @Test("Whatever an origin answers, each client gets one clean answer or a closed connection, and nothing leaks")
    func answers() throws {
        let draws = Locked(Draws(state: 11))
        let origin = Origin { _ in
            let (bytes, closes) = draws.withLock { draws in
                (
                    Self.mutate(Array(Self.answers.randomElement(using: &draws)!.utf8), &draws),
                    Bool.random(using: &draws)
                )
            }
            return closes ? .bytesAndClose(bytes) : .bytes(bytes)
        }
        defer { origin.stop() }
        let retry = RetryPolicy(
            attempts: 1, conditions: [.reset, .serverError], backoffMilliseconds: 1, isExplicit: true)
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origin.port])],
            routes: [Harness.route(to: 0, retry: retry, timeoutMilliseconds: 20)])
        for round in 0..<1500 {
            let client = proxy.client()
            client.send(
                round % 3 == 0
                    ? "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" : "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            let bytes = TestSocket.receive(client.fd)
            #expect(bytes.isEmpty || bytes.starts(with: Array("HTTP/1.1 ".utf8)))
        }
        #expect(proxy.isIdle())
        #expect(Harness.wait { proxy.bufferBytes == 0 })
    }
}
