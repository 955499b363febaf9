import Clusters
import Glibc
import Loop
import Routing
import Telemetry
import Testing
import Wire

@testable import Proxy

@Suite("Peers that mean harm")
struct HostilePeerTests {
    @Test("A client that pipelines without reading is read no further than its answers fit")
    func pipeliningFlood() throws {
        let origin = Origin(saying: "no")
        defer { origin.stop() }
        var route = Harness.route(to: 0)
        route.action = .direct(DirectAction(status: 200, body: Array(String(repeating: "x", count: 60_000).utf8)))
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])], routes: [route])
        let client = proxy.client()
        TestSocket.setTimeout(client.fd, seconds: 1)
        let flood = [UInt8](String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 20_000).utf8)
        _ = client.send(flood)
        #expect(proxy.count(.downstreamRequests) < 1000)
        #expect(proxy.bufferBytes < 1 << 20)
        TestSocket.setTimeout(client.fd, seconds: 20)
        for _ in 0..<500 { #expect(client.answer()?.body.count == 60_000) }
    }

    @Test("Bytes behind an answer are never another request's answer")
    func poisonedConnection() throws {
        let origin = Origin { request in
            request.line.contains("/poison")
                ? .answer(
                    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
                        + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
                : .answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean")
        }
        defer { origin.stop() }
        // One connection is allowed: the second request waits for the first one's.
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origin.port], limits: ClusterLimits(connectionsMax: 1))])
        for _ in 0..<20 {
            let first = proxy.client()
            let second = proxy.client()
            first.send("GET /poison HTTP/1.1\r\nHost: a\r\n\r\n")
            second.send("GET /clean HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(first.answer()?.text == "mine")
            #expect(second.answer()?.text == "clean")
        }
        #expect(proxy.isIdle())
    }

    @Test("A request without a byte of body keeps its upstream connection, whatever its length field says")
    func emptyBodies() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        for field in ["Content-Length: 0\r\n", "", "Content-Length: 0\r\n"] {
            client.send("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
            #expect(client.answer()?.text == "ok")
        }
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        #expect(client.answer()?.text == "ok")
        #expect(origin.connectionCount == 1)
    }

    @Test("Heads that a route's edits make too large end as errors, both ways")
    func grownHeads() throws {
        let big = String(repeating: "b", count: 50_000)
        let origin = Origin { _ in .answer("HTTP/1.1 200 OK\r\nx-big: \(big)\r\nContent-Length: 2\r\n\r\nok") }
        defer { origin.stop() }
        let more = (1...4).map { HeaderValue(name: "x-more-\($0)", value: "%REQ(x-big)%") }
        var grown = Harness.route(to: 0)
        if case .forward(var action) = grown.action {
            action.requestHeaders = HeaderOperations(set: more)
            grown.action = .forward(action)
        }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])], routes: [grown])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nx-big: \(big)\r\n\r\n")
        #expect(client.answer()?.status == 503)
        #expect(origin.requests.isEmpty)

        var answered = Harness.route(to: 0)
        if case .forward(var action) = answered.action {
            action.destinations[0].responseHeaders = HeaderOperations(set: more)
            answered.action = .forward(action)
        }
        proxy.setRoutes([answered])
        let other = proxy.client()
        other.send("GET / HTTP/1.1\r\nHost: a\r\nx-big: \(big)\r\n\r\n")
        #expect(other.answer() == nil)
        let third = proxy.client()
        third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(third.answer()?.text == "ok")
    }

    @Test("A request with a malformed body is counted once")
    func countedOnce() throws {
        let origin = Origin(saying: "no")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        #expect(client.answer()?.status == 400)
        #expect(proxy.isIdle() || client.isClosed())
        let total = Snapshot(proxy.server.state.metrics).series.values.reduce(0) { $0 + $1.requests }
        #expect(total == 1)
    }

    @Test("Endpoints that refuse leave no connection behind in the gauges")
    func gaugesAfterRefusals() throws {
        let proxy = try Harness(clusters: [Harness.cluster(ports: [TestSocket.freePort()])])
        for _ in 0..<5 {
            let client = proxy.client()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == 503)
        }
        #expect(proxy.isIdle())
        #expect(proxy.count(.upstreamConnections) == 0)
    }

    @Test("An answer before the upload's end reaches the client, and the connection closes")
    func earlyAnswer() throws {
        let (listener, port) = TestSocket.listen()
        _ = try Thread.start(name: "early") {
            while true {
                let fd = accept(listener, nil, nil)
                guard fd >= 0 else {
                    close(listener)
                    return
                }
                _ = TestSocket.receive(fd)
                TestSocket.sendAll(fd, Array("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig".utf8))
                usleep(50_000)
                shutdown(fd, Int32(SHUT_RDWR))
            }
        }
        defer { shutdown(listener, Int32(SHUT_RDWR)) }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        for _ in 0..<20 { _ = client.send([UInt8](repeating: 1, count: 16_384)) }
        let answer = try #require(client.answer())
        #expect(answer.status == 413)
        #expect(answer.text == "big")
        #expect(answer.field("connection") == "close")
        #expect(client.isClosed())
        #expect(proxy.isIdle())
    }

    @Test("A body cut short under HTTP/1.0 ends with a reset, not as if it were whole")
    func cutWithoutLength() throws {
        let origin = Origin { _ in
            .answerAndClose("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        var last = 0
        var byte = [UInt8](repeating: 0, count: 4096)
        repeat { last = recv(client.fd, &byte, byte.count, 0) } while last > 0
        #expect(last == -1 && errno == ECONNRESET)
    }

    @Test("Interim answers are forwarded once each and never to an HTTP/1.0 client; the answer follows them")
    func interim() throws {
        let many = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 50)
        let origin = Origin { _ in .answer(many + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in 0..<50 { #expect(client.answer()?.status == 103) }
        #expect(client.answer()?.text == "ok")
        let old = proxy.client()
        old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        #expect(old.answer()?.text == "ok")
    }

    @Test("When a server stops, idempotent requests survive its idle connections")
    func manyDeadConnections() throws {
        let origin = Origin { request in
            if request.line.contains("/hold") { usleep(100_000) }
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let other = Origin(saying: "ok")
        defer {
            origin.stop()
            other.stop()
        }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let clients = (0..<16).map { _ in proxy.client() }
        for client in clients { client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n") }
        for client in clients { #expect(client.answer()?.status == 200) }
        proxy.plan.clusters = [Harness.cluster(ports: [origin.port, other.port])]
        proxy.plan.clusters[0].retryBudget = RetryBudget(percent: 100, concurrencyMin: 100)
        proxy.publish()
        #expect(Harness.wait { proxy.server.installed.allSatisfy { $0 == proxy.number } })
        origin.stop()
        for client in clients { client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        for client in clients {
            let answer = try #require(client.answer())
            #expect(answer.status == 200, "\(answer.text)")
        }
    }
}
