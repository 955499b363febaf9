import Clusters
import Glibc
import Routing
import Testing
import Wire

@testable import Proxy

@Suite("Exchanges of a client with many streams")
struct ExchangeTests {
    private static func post(_ path: String, fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Transfer-Encoding: chunked\r\n\r\n"
    }

    private static func get(_ path: String, fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("Streams of one connection end in any order, each with its own answer")
    func interleaved() throws {
        let origin = Origin { request in
            let text = String(request.line.split(separator: " ")[1])
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let peer = FakePeer(bench.worker)
        for stream in UInt32(1)...20 {
            peer.begin(stream, stream % 2 == 0 ? Self.get("/\(stream)") : Self.post("/\(stream)"))
        }
        for stream in stride(from: UInt32(19), through: 1, by: -2) {
            peer.data(stream, [1, 2, 3])
            peer.end(stream)
        }
        #expect(bench.turn { peer.streams.values.allSatisfy(\.isOver) })
        for stream in UInt32(1)...20 {
            #expect(peer.streams[stream]?.status == 200)
            #expect(peer.streams[stream].map { String(decoding: $0.body, as: UTF8.self) } == "/\(stream)")
        }
        #expect(bench.worker.metrics.value(.downstreamRequestsActive) == 0)
        #expect(bench.worker.metrics.value(.upstreamPending) == 0)
    }

    @Test("A stream that is reset does not disturb the others, whatever it was doing")
    func resets() throws {
        let origin = Origin { request in
            request.line.contains("/slow") ? .hang : .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.get("/slow"))
        peer.begin(3, Self.post("/slow"))
        peer.data(3, [1])
        peer.begin(5, Self.get("/a"))
        peer.begin(7, Self.get("/never"))
        peer.leave(7)
        #expect(bench.turn { peer.streams[5]?.isOver == true && origin.requests.contains { $0.line.contains("slow") } })
        peer.leave(1)
        peer.leave(3)
        peer.begin(9, Self.get("/b"))
        #expect(bench.turn { peer.streams[9]?.isOver == true })
        #expect(peer.streams[5]?.status == 200 && peer.streams[9]?.status == 200)
        #expect(bench.worker.metrics.value(.downstreamRequestsActive) == 0)
        #expect(bench.worker.metrics.value(.upstreamPending) == 0)
    }

    @Test("A suspended request holds its body, pauses its client and then goes on; the other streams do not wait")
    func suspends() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let filter = SuspendingFilter()
        bench.worker.filters = [filter]
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.post("/held", fields: "x-wait: 1\r\n"))
        #expect(peer.streams[1]?.isPaused == true)
        peer.data(1, Array("hello ".utf8))
        peer.data(1, Array("world".utf8))
        peer.begin(3, Self.get("/free"))
        #expect(bench.turn { peer.streams[3]?.isOver == true })
        #expect(peer.streams[1]?.isOver == false)
        peer.end(1)
        filter.suspended.removeLast().resumeFilters()
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        #expect(peer.streams[1]?.status == 200)
        let body = origin.requests.first { $0.line.contains("/held") }?.body ?? []
        #expect(
            String(decoding: body, as: UTF8.self).contains("hello world")
                || String(decoding: body, as: UTF8.self).contains("world"))
        #expect(bench.worker.metrics.value(.downstreamRequestsActive) == 0)
    }

    @Test("A client that leaves a suspended request is forgotten: resuming it does nothing")
    func leavesSuspended() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let filter = SuspendingFilter()
        bench.worker.filters = [filter]
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.get("/gone", fields: "x-wait: 1\r\n"))
        let exchange = filter.suspended.removeLast()
        peer.leave(1)
        exchange.resumeFilters()
        peer.begin(3, Self.get("/next"))
        #expect(bench.turn { peer.streams[3]?.isOver == true })
        #expect(origin.requests.map(\.line) == ["GET /next HTTP/1.1"])
    }

    @Test("While no endpoint takes it a body is held up to a bound, and the client is paused")
    func heldBody() throws {
        let origin = Origin { _ in .hang }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port], limits: ClusterLimits(connectionsMax: 1))
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.get("/occupies"))
        #expect(bench.turn { origin.requests.count == 1 })
        peer.begin(3, Self.post("/waits"))
        let piece = [UInt8](repeating: 1, count: 16 * 1024)
        var sent = 0
        while peer.streams[3]?.isPaused == false, sent < 1 << 24 {
            peer.data(3, piece)
            sent += piece.count
        }
        #expect(sent <= 2 * Limits.pendingHighBytes)
        #expect(bench.worker.buffers.bytesOut <= 4 * Limits.pendingHighBytes)
        peer.leave(3)
        peer.leave(1)
        bench.turn(3)
        #expect(bench.worker.buffers.bytesOut == 0)
        #expect(bench.worker.metrics.value(.upstreamPending) == 0)
    }

    @Test("A body is sent again from its first byte after a failed attempt")
    func replays() throws {
        let origin = Origin { request in
            request.connection == 1 ? .close : .answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        defer { origin.stop() }
        let retry = RetryPolicy(attempts: 2, conditions: [.reset], backoffMilliseconds: 1, isExplicit: true)
        let bench = try Bench(ports: [origin.port], route: Harness.route(to: 0, retry: retry))
        let peer = FakePeer(bench.worker)
        peer.begin(1, "POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        for start in stride(from: 0, to: body.count, by: 10_000) {
            peer.data(1, Array(body[start..<(start + 10_000)]))
            bench.turn(1)
        }
        peer.end(1)
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        #expect(peer.streams[1]?.status == 200)
        #expect(origin.requests.count == 2)
        #expect(origin.requests.allSatisfy { $0.body == body })
        #expect(bench.worker.buffers.bytesOut == 0)
    }

    @Test("While much is held in a worker's buffers, only small bodies can be sent again")
    func replaysSmallBodiesOnly() throws {
        let origin = Origin { request in
            request.field("x-envoy-attempt-count") == "1"
                ? .close : .answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        defer { origin.stop() }
        let retry = RetryPolicy(attempts: 2, conditions: [.reset], backoffMilliseconds: 1, isExplicit: true)
        let bench = try Bench(ports: [origin.port], route: Harness.route(to: 0, retry: retry))
        let others = bench.worker.buffers.take(capacity: Limits.replayWorkerBytesMax + 1)
        defer { bench.worker.buffers.give(others) }
        let peer = FakePeer(bench.worker)
        for (stream, size, status) in [(1, Limits.replaySmallBytesMax, 200), (3, 100_000, 503)]
            as [(UInt32, Int, UInt16)]
        {
            peer.begin(stream, "POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            peer.data(stream, [UInt8](repeating: 1, count: size))
            peer.end(stream)
            #expect(bench.turn { peer.streams[stream]?.isOver == true })
            #expect(peer.streams[stream]?.status == status)
        }
    }

    @Test("More exchanges at once than are kept for reuse end without a trace")
    func many() throws {
        let origin = Origin { _ in .close }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port], route: Harness.route(to: 0, timeoutMilliseconds: 60_000))
        let peer = FakePeer(bench.worker)
        let count = UInt32(Limits.pooledExchangesMax + 100)
        for stream in 0..<count { peer.begin(stream, Self.get("/\(stream)")) }
        #expect(bench.turn { peer.streams.values.allSatisfy(\.isOver) })
        #expect(peer.streams.values.allSatisfy { $0.status == 503 })
        bench.turn(3)
        #expect(bench.worker.metrics.value(.downstreamRequestsActive) == 0)
        #expect(bench.worker.metrics.value(.upstreamConnections) == 0)
        #expect(bench.worker.buffers.bytesOut == 0)
    }

    @Test("A deadline of a request that is over does not touch the next one in the same place")
    func lateDeadline() throws {
        let origin = Origin { request in
            request.line.contains("/hang") ? .hang : .answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port], route: Harness.route(to: 0, timeoutMilliseconds: 150))
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.get("/quick"))
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        peer.begin(3, Self.post("/hang"))
        let begun = bench.worker.loop.now
        #expect(bench.turn { bench.worker.loop.now > begun + 300 })
        #expect(peer.streams[3]?.isOver == false, "the route's time runs from the request's end")
        peer.end(3)
        #expect(bench.turn { peer.streams[3]?.isOver == true })
        #expect(peer.streams[3]?.status == 504)
    }
}
