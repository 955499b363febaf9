import Clusters
import Routing
import Testing

@Suite("Forwarding over real sockets")
struct ForwardingTests {
    @Test("A request reaches the origin and its answer the client, the connection stays open")
    func keepAlive() throws {
        let origin = Origin(saying: "hello")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        for index in 1...3 {
            client.send("GET /path?\(index) HTTP/1.1\r\nHost: shop.example\r\nX-Mixed-Case: Yes\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
        }
        #expect(origin.connectionCount == 1)
        let seen = try #require(origin.requests.first)
        #expect(seen.line == "GET /path?1 HTTP/1.1")
        #expect(seen.head.contains("X-Mixed-Case: Yes"))
        #expect(seen.field("x-forwarded-for") == "127.0.0.1")
        #expect(seen.field("x-forwarded-proto") == "http")
        #expect(seen.field("x-request-id")?.count == 36)
        #expect(seen.field("x-envoy-attempt-count") == "1")
        #expect(seen.field("host") == "shop.example")
    }

    @Test("Pipelined requests are answered in order")
    func pipelining() throws {
        let origin = Origin { request in
            let name = String(request.line.dropFirst(4).prefix(2))
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\(name)")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send((1...9).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        for index in 1...9 { #expect(client.answer()?.text == "/\(index)") }
    }

    @Test("A chunked body passes with its trailers, both ways")
    func chunkedBothWays() throws {
        let origin = Origin { _ in
            .answer(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n5\r\nabcde\r\n3\r\nfgh\r\n0\r\nX-End: yes\r\n\r\n"
            )
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n"
        )
        let answer = try #require(client.answer())
        #expect(answer.text == "abcdefgh")
        #expect(client.trailers == ["X-End: yes"])
        let body = String(decoding: try #require(origin.requests.first).body, as: UTF8.self)
        #expect(body.contains("wiki") && body.contains("pedia"))
        #expect(body.hasSuffix("0\r\nX-Sum: 9\r\n\r\n"))
    }

    @Test("A large body passes both ways unchanged, on a client that reads late")
    func largeBodies() throws {
        let size = 8_000_000
        let origin = Origin { request in
            .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n".utf8) + request.body)
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        client.send("PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        #expect(client.send(body))
        let answer = try #require(client.answer())
        #expect(answer.body == body)
    }

    @Test("An HTTP/1.0 client gets a length or an end, never chunks")
    func oldClient() throws {
        let origin = Origin { _ in
            .answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.text == "abcde")
        #expect(answer.field("transfer-encoding") == nil)
        #expect(client.isClosed())
    }

    @Test("An origin that ends its body by closing gives an HTTP/1.1 client chunks")
    func untilClose() throws {
        let origin = Origin { _ in .answerAndClose("HTTP/1.0 200 OK\r\n\r\nuntil the end") }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.text == "until the end")
        #expect(answer.field("transfer-encoding") == "chunked")
    }

    @Test("HEAD has the length and no body, 204 and 304 neither")
    func bodiless() throws {
        let origin = Origin { request in
            if request.line.hasPrefix("HEAD") { return .answer("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n") }
            return .answer("HTTP/1.1 204 No Content\r\n\r\n")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(client.answer(headOnly: true))
        #expect(head.field("content-length") == "999")
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.answer()?.status == 204)
    }

    @Test("100-continue is the origin's to say, and the body follows it")
    func expectContinue() throws {
        let origin = Origin { _ in
            .answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
        #expect(client.answer()?.status == 100)
        #expect(client.answer()?.text == "ok")
        #expect(origin.requests.first?.field("expect") == "100-continue")
    }

    @Test("Hop-by-hop fields stay on their hop")
    func hopByHop() throws {
        let origin = Origin { _ in
            .answer(
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\n"
            )
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Private\r\nX-Private: 1\r\nTE: trailers, deflate\r\nProxy-Connection: x\r\n\r\n"
        )
        let answer = try #require(client.answer())
        #expect(answer.field("x-hop") == nil)
        #expect(answer.field("keep-alive") == nil)
        let seen = try #require(origin.requests.first)
        #expect(seen.field("x-private") == nil)
        #expect(seen.field("te") == "trailers")
        #expect(seen.field("proxy-connection") == nil)
    }

    @Test("An upgrade that the endpoint does not take is answered as a request; h2c that is none is stripped")
    func upgrade() throws {
        let origin = Origin(saying: "plain")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        #expect(client.answer()?.text == "plain")
        #expect(origin.requests.first?.field("upgrade") == "websocket")
        #expect(origin.requests.first?.field("connection") == "upgrade")
        let other = proxy.client()
        other.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
        )
        #expect(other.answer()?.text == "plain")
        #expect(origin.requests.last?.field("upgrade") == nil)
    }

    @Test("Several x-forwarded-for lines become one, the client's address last")
    func forwardedFor() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n\r\n")
        #expect(client.answer()?.status == 200)
        #expect(origin.requests.first?.field("x-forwarded-for") == "1.1.1.1,2.2.2.2,127.0.0.1")
    }
}
