import HTTP2
import Testing
import Wire

@Suite struct HeadTests {
    private static let base = Frames.getFields

    /// A server that got one request of these fields.
    private func server(_ fields: [(String, String)], end: Bool = true) -> Peer {
        let server = Peer(.server)
        server.receive(Frames.opening + Frames.headers(1, fields, end: end))
        _ = server.output()
        return server
    }

    @Test func `cookie crumbs become one field`() throws {
        let server = server(Self.base + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")])
        let head = try #require(server.heads[1])
        #expect(fields(head) == ["x: y", "cookie: a=1; b=2; c=3"])
        let cookie = try #require(head.value(of: .cookie))
        #expect(head.string(cookie) == "a=1; b=2; c=3")
    }

    @Test func `crumbs of two connections of one worker do not mix`() throws {
        let pools = HTTP2Pools(buffers: BufferPool())
        let (first, second) = (Peer(.server, pools: pools), Peer(.server, pools: pools))
        let block = Frames.block(Self.base + [("cookie", "mine=1")])
        first.receive(Frames.opening + Frames.frame(1, flags: 1, stream: 1, block))
        second.receive(Frames.opening + Frames.headers(1, Self.base + [("cookie", "theirs=1"), ("cookie", "b=2")]))
        first.receive(Frames.frame(9, flags: 4, stream: 1, Frames.field("cookie", "mine=2")))
        #expect(try fields(#require(first.heads[1])) == ["cookie: mine=1; mine=2"])
        #expect(try fields(#require(second.heads[1])) == ["cookie: theirs=1; b=2"])
        #expect(pools.buffers.bytesOut == 0)
    }

    @Test func `fields stand in the storage as lines of HTTP1`() throws {
        let head = try #require(server(Self.base + [("x", "y"), ("accept", "z")]).heads[1])
        let first = head.fields[0].name.start
        let lines = UnsafeRawBufferPointer(start: head.storage + first, count: head.storageUsed - first)
        #expect(String(decoding: lines, as: UTF8.self) == "x: y\r\naccept: z\r\n")
    }

    @Test func `host stands in for a missing authority`() throws {
        let head = try #require(server(Array(Self.base.prefix(3)) + [("host", "b.example:8080")]).heads[1])
        #expect(head.string(head.authority) == "b.example:8080" && head.fieldCount == 0)
    }

    @Test func `host that says the same as the authority is dropped`() throws {
        let head = try #require(server(Self.base + [("host", "A.Example")]).heads[1])
        #expect(head.string(head.authority) == "a.example" && !head.has(.host))
    }

    static let malformed: [[(String, String)]] = [
        base + [("host", "b.example")],
        Array(base.prefix(3)),
        Array(base.prefix(3)) + [("host", "a"), ("host", "a")],
        Array(base.prefix(3)) + [(":authority", "user@a")],
        Array(base.prefix(3)) + [(":authority", "a b")],
        Array(base.prefix(3)) + [(":authority", "a/b")],
        base + [("x", "a\r\nb")], base + [("x", "a\nb")], base + [("x", "a\rb")], base + [("x", "a\u{0}b")],
        base + [("x", "a\u{1B}b")], base + [("x", "a\u{7F}b")], base + [("x", " a")], base + [("x", "a ")],
        base + [("x", "0123456789abcdef0123456789abcde\n")],
        base + [("cookie", "a\r\nb")],
        base + [("X", "a")], base + [("x y", "a")], base + [("x:", "a")], base + [("", "a")], base + [("x\r\n", "a")],
        base + [("connection", "close")], base + [("keep-alive", "1")], base + [("proxy-connection", "x")],
        base + [("transfer-encoding", "chunked")], base + [("upgrade", "x")], base + [("te", "gzip")],
        base + [("content-length", "0x1")], base + [("content-length", "+0")], base + [("content-length", "0, 0")],
        base + [("content-length", "0"), ("content-length", "0")], base + [("content-length", "")],
        base + [("content-length", "99999999999999999999")],
        base + [(":path", "/")], base + [("x", "a"), (":path", "/")], base + [(":x", "a")], base + [(":status", "200")],
        [(":method", "G T"), (":scheme", "http"), (":path", "/"), (":authority", "a")],
        [(":method", ""), (":scheme", "http"), (":path", "/"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "ftp"), (":path", "/"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "x"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "*"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/ HTTP/1.1"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/a#b"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/\r\nx: y"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/\u{E9}"), (":authority", "a")],
        [(":method", "GET"), (":path", "/"), (":authority", "a")],
        [(":method", "CONNECT"), (":authority", "a")],
        [(":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "a:1")],
        [(":method", "GET"), (":protocol", "x"), (":scheme", "http"), (":path", "/"), (":authority", "a")],
    ]

    @Test("a malformed request is refused with its stream alone", arguments: malformed)
    func malformedRequest(_ fields: [(String, String)]) {
        let server = Peer(.server)
        let fault = server.receive(Frames.opening + Frames.headers(1, fields))
        let frames = Frames.parse(server.output())
        #expect(fault == nil && server.session.fault == nil)
        #expect(server.heads.isEmpty)
        #expect(server.log.contains("malformed 1") && server.log.last == "closed 1")
        #expect(frames.contains { $0.type == 3 && $0.stream == 1 && $0.payload == Frames.number(1) })
        #expect(server.session.activeStreams == 0)
        server.receive(Frames.headers(3))
        #expect(server.heads[3] != nil)
    }

    static let fine: [[(String, String)]] = [
        base + [("x", "a\tb"), ("te", "trailers"), ("content-length", "0")],
        base + [("x", "")],
        [(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), (":authority", "a")],
        [(":method", "CONNECT"), (":authority", "a:443")],
        [(":authority", "[::1]:80"), (":path", "/a|b\"^"), (":scheme", "http"), (":method", "X!")],
    ]

    @Test("unusual requests that are well-formed pass", arguments: fine)
    func wellFormed(_ fields: [(String, String)]) {
        #expect(server(fields).log.contains("head 1 end"))
    }

    @Test func `a body that is not as long as it was said resets its stream`() {
        for body in [[1, 2] as [UInt8], [1, 2, 3, 4]] {
            let server = Peer(.server)
            server.receive(
                Frames.opening + Frames.headers(1, Self.base + [("content-length", "3")], end: false)
                    + Frames.data(1, body, end: true))
            let frames = Frames.parse(server.output())
            #expect(frames.contains { $0.type == 3 && $0.payload == Frames.number(1) })
            #expect(server.log.suffix(2) == ["malformed 1", "closed 1"])
            #expect(!server.log.contains { $0.hasPrefix("data") && $0.hasSuffix("end") })
        }
    }

    @Test func `a head that is too large is told without its fields and its body is dropped`() {
        let many = (0..<101).map { ("x\($0)", "y") }
        let large = [("x", String(repeating: "y", count: 40_000)), ("y", String(repeating: "y", count: 40_000))]
        for extra in [many, large] {
            let server = Peer(.server)
            let block = Frames.block(Self.base + extra)
            var bytes = Frames.opening + Frames.frame(1, stream: 1, Array(block.prefix(16_000)))
            var rest = Array(block.dropFirst(16_000))
            while rest.count > 16_000 {
                bytes += Frames.frame(9, stream: 1, Array(rest.prefix(16_000)))
                rest = Array(rest.dropFirst(16_000))
            }
            bytes += Frames.frame(9, flags: 4, stream: 1, rest) + Frames.data(1, [1], end: true)
            #expect(server.receive(bytes) == nil)
            #expect(server.log == ["settings", "large 1"])
            server.session.submitResponse(1, response(431), end: true)
            #expect(Frames.parse(server.output()).contains { $0.type == 1 && $0.stream == 1 })
            #expect(server.session.activeStreams == 0)
        }
    }

    @Test func `trailers that would frame or route are refused and misplaced ones removed`() throws {
        let server = Peer(.server)
        server.receive(Frames.opening + Frames.headers(1, end: false) + Frames.headers(1, [("host", "a")]))
        _ = server.output()
        #expect(server.log.contains("malformed 1"))
        server.receive(Frames.headers(3, end: false) + Frames.headers(3, [("authorization", "a"), ("x", "y")]))
        #expect(try fields(#require(server.trailers[3])) == ["x: y"])
        server.receive(Frames.headers(5, end: false) + Frames.headers(5, [("content-length", "3")]))
        _ = server.output()
        #expect(server.log.contains("malformed 5"))
    }
}
