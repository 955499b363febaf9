import Clusters
import Glibc
import Routing
import Testing

@Suite("Failures over real sockets")
struct FailureTests {
    @Test("Ambiguous framing is 400 with a line of text, the connection ends, and the origin sees nothing")
    func ambiguous() throws {
        let origin = Origin(saying: "no")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let heads = [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
        ]
        for head in heads {
            let client = proxy.client()
            client.send(head)
            let answer = try #require(client.answer())
            #expect(answer.status == 400, "\(head)")
            #expect(answer.body.last == 10)
            #expect(client.isClosed())
        }
        #expect(origin.requests.isEmpty)
    }

    @Test("A fault in the middle of a chunked body is 400, and the origin never sees a complete request")
    func brokenChunk() throws {
        let origin = Origin(saying: "no")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        usleep(50_000)
        client.send("zz\r\nbroken\r\n0\r\n\r\n")
        #expect(client.answer()?.status == 400)
        #expect(client.isClosed())
        #expect(origin.requests.isEmpty)
    }

    @Test("An origin that refuses is 503 with the reason, after the policy's retries")
    func refused() throws {
        let proxy = try Harness(clusters: [Harness.cluster(ports: [TestSocket.freePort()])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 503)
        #expect(
            answer.text
                == "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
                + "remote connection failure, transport failure reason: delayed connect error: Connection refused")
        #expect(proxy.count(.retries) == 2)
    }

    @Test("A cluster without endpoints is 503 no healthy upstream")
    func empty() throws {
        let proxy = try Harness(clusters: [Harness.cluster(ports: [])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 503)
        #expect(answer.text == "no healthy upstream")
    }

    @Test("An origin that closes before it answers is 503 on a fresh connection")
    func closedEarly() throws {
        let origin = Origin { _ in .close }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 503)
        #expect(answer.text.hasSuffix("reset reason: connection termination"))
        #expect(origin.requests.count == 1)
    }

    @Test("An idempotent request on a reused connection that died is sent again, once; a POST is not")
    func reusedConnection() throws {
        let origin = Origin { request in
            request.number == 1 ? .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") : .close
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        for _ in 1...4 {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        #expect(client.answer()?.status == 503)
        #expect(origin.requests.filter { $0.line.hasPrefix("POST") }.count == 1)
    }

    @Test("A body that an origin breaks off breaks the client's connection, too")
    func truncated() throws {
        let origin = Origin { _ in .answerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this") }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 200)
        #expect(answer.text == "only this")
        #expect(client.isClosed())
    }

    @Test("An origin's bad framing is 502")
    func badOrigin() throws {
        let origin = Origin { _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello") }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 502)
        #expect(answer.text.contains("protocol error"))
    }

    @Test("A route's timeout is 504")
    func timeout() throws {
        let origin = Origin { _ in .hang }
        defer { origin.stop() }
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origin.port])], routes: [Harness.route(to: 0, timeoutMilliseconds: 60)])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 504)
        #expect(answer.text == "upstream request timeout")
        #expect(origin.requests.first?.field("x-envoy-expected-rq-timeout-ms") != nil)
    }

    @Test("5xx answers are retried where the route says so, and the last one is given when retries run out")
    func retriedAnswers() throws {
        let origin = Origin { request in
            request.field("x-envoy-attempt-count") == "3"
                ? .answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthird")
                : .answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad")
        }
        defer { origin.stop() }
        func policy(_ attempts: Int) -> RetryPolicy {
            RetryPolicy(attempts: attempts, conditions: .serverError, isExplicit: true)
        }
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origin.port])], routes: [Harness.route(to: 0, retry: policy(2))])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        #expect(client.answer()?.text == "third")
        #expect(origin.requests.allSatisfy { $0.body == Array("body".utf8) })
        let poorer = try Harness(
            clusters: [Harness.cluster(ports: [origin.port])], routes: [Harness.route(to: 0, retry: policy(1))])
        let other = poorer.client()
        other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(other.answer())
        #expect(answer.status == 503)
        #expect(answer.text == "bad")
    }

    @Test("A client that leaves before the answer cancels the request upstream")
    func departure() throws {
        let origin = Origin { _ in .hang }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        do {
            let client = proxy.client()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while origin.requests.isEmpty { usleep(1000) }
        }
        var turns = 0
        while proxy.count(.downstreamRequestsActive) > 0, turns < 2000 {
            usleep(2000)
            turns += 1
        }
        #expect(proxy.count(.downstreamRequestsActive) == 0)
        #expect(proxy.count(.upstreamConnections) == 0)
    }

    @Test("With two workers and one connection allowed, no request starves")
    func oneConnection() throws {
        let origin = Origin(saying: "turn")
        defer { origin.stop() }
        let cluster = Harness.cluster(ports: [origin.port], limits: ClusterLimits(connectionsMax: 1))
        let proxy = try Harness(clusters: [cluster], workers: 2)
        let clients = (0..<8).map { _ in proxy.client() }
        for round in 0..<40 {
            for client in clients { client.send("GET /\(round) HTTP/1.1\r\nHost: a\r\n\r\n") }
            for client in clients { #expect(client.answer()?.text == "turn") }
        }
    }

    @Test("Beyond the pending limit a request is 503 with x-envoy-overloaded")
    func overflow() throws {
        let origin = Origin { _ in .hang }
        defer { origin.stop() }
        let limits = ClusterLimits(connectionsMax: 1, pendingMax: 1)
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port], limits: limits)])
        let first = proxy.client()
        first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        while origin.requests.isEmpty { usleep(1000) }
        let second = proxy.client()
        second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        while proxy.count(.upstreamPending) == 0 { usleep(1000) }
        let third = proxy.client()
        third.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(third.answer())
        #expect(answer.status == 503)
        #expect(answer.field("x-envoy-overloaded") == "true")
        #expect(answer.text.hasSuffix("reset reason: overflow"))
    }
}
