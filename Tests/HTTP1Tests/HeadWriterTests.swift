import HTTP1
import Testing
import Wire

@Suite struct HeadWriterTests {
    private func forward(_ text: String, upgrade: Bool = false, _ edit: (Head) -> Void = { _ in }) -> String? {
        let parsed = request(text)
        guard let framing = parsed.framing else { return nil }
        HopByHop.strip(parsed.head, keepingUpgrade: upgrade)
        edit(parsed.head)
        return written { HeadWriter.request(parsed.head, framing: framing, upgrade: upgrade, to: $0) }
    }

    private func answer(
        _ text: String, to method: Method = .get, minorVersion: UInt8 = 1, close: Bool = false, upgrade: Bool = false
    ) -> String? {
        let parsed = response(text, to: method)
        guard let framing = parsed.framing else { return nil }
        HopByHop.strip(parsed.head, keepingUpgrade: upgrade)
        return written {
            HeadWriter.response(
                parsed.head, framing: framing.towardsClient(minorVersion: minorVersion), minorVersion: minorVersion,
                close: close, upgrade: upgrade, to: $0)
        }
    }

    @Test("a clean request comes out as it came in")
    func identity() {
        let text = "POST /a?b HTTP/1.1\r\nHOST: a:80\r\nX-Ünder_score: c\r\naccept: d\r\nContent-Length: 5\r\n\r\n"
            .replacingOccurrences(of: "Ü", with: "U")
        #expect(forward(text) == text)
    }

    @Test("white space around values is not forwarded, and names keep their case")
    func whiteSpace() {
        #expect(
            forward("GET / HTTP/1.1\r\nHost:a\r\nX:  b \r\nY:\r\nz:\tc\r\n\r\n")
                == "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\nY: \r\nz: c\r\n\r\n")
    }

    @Test("what concerns one connection is taken off")
    func hopByHop() {
        let text =
            "GET / HTTP/1.1\r\nA: 1\r\nHost: a\r\nConnection: keep-alive, X-Secret, b3, upgrade\r\nKeep-Alive: 5\r\n"
            + "x-secret: s\r\nB3: t\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nHTTP2-Settings: u\r\nTrailer: T\r\nZ: 9\r\n\r\n"
        #expect(forward(text) == "GET / HTTP/1.1\r\nA: 1\r\nHost: a\r\nTrailer: T\r\nZ: 9\r\n\r\n")
    }

    @Test("te is reduced to trailers or taken off")
    func te() {
        let te = { (value: String) in
            self.forward("GET / HTTP/1.1\r\nHost: a\r\nTE: \(value)\r\nConnection: te\r\n\r\n")
        }
        #expect(te("gzip, trailers;q=0.5") == "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        #expect(te("gzip") == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("an upgrade keeps its field and is announced")
    func upgrade() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, foo\r\nFoo: b\r\nUpgrade: websocket\r\n\r\n"
        #expect(
            forward(text, upgrade: true)
                == "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n")
        let head = request(text).head
        #expect(HopByHop.upgrade(head).map { head.string($0) } == "websocket")
        #expect(HopByHop.upgrade(requestFields("Upgrade: websocket\r\n").head) == nil)
        #expect(HopByHop.upgrade(requestFields("Connection: upgrade\r\n").head) == nil)
        #expect(HopByHop.upgrade(requestFields("Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n").head) == nil)
    }

    @Test("the authority is written in the Host field's place, or first")
    func host() {
        #expect(
            forward("GET http://b:8/x HTTP/1.1\r\nA: 1\r\nHOST: a\r\nZ: 2\r\n\r\n")
                == "GET /x HTTP/1.1\r\nA: 1\r\nHOST: b:8\r\nZ: 2\r\n\r\n")
        #expect(forward("GET / HTTP/1.0\r\nA: 1\r\n\r\n") == "GET / HTTP/1.1\r\nhost: \r\nA: 1\r\n\r\n")
        #expect(
            forward("GET / HTTP/1.1\r\nHost: a\r\nZ: 2\r\n\r\n") { $0.authority = $0.append("c") }
                == "GET / HTTP/1.1\r\nHost: c\r\nZ: 2\r\n\r\n")
        #expect(
            forward("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n") == "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n")
        #expect(
            forward("GET / HTTP/1.1\r\nHost: a\r\n\r\n") { $0.appendField(.host, value: $0.append("evil")) }
                == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("fields that were removed, changed and added come out so, in order")
    func edited() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nX: c\r\nAccept: d\r\nVia: e\r\n\r\n"
        let out = forward(text) { head in
            head.setField(.userAgent, value: head.append("new"))
            head.removeAll(.accept)
            head.appendField(.xRequestID, value: head.append("id"))
            head.path = head.append("/rewritten")
        }
        #expect(
            out == "GET /rewritten HTTP/1.1\r\nHost: a\r\nUser-Agent: new\r\nX: c\r\nVia: e\r\nx-request-id: id\r\n\r\n"
        )
    }

    @Test("the framing given is the framing written")
    func framing() {
        let parsed = requestFields("Content-Length: 0042\r\nX: y\r\n")
        let write = { (framing: BodyFraming) in
            written { HeadWriter.request(parsed.head, framing: framing, upgrade: false, to: $0) }
        }
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        #expect(write(.length(42)) == start + "Content-Length: 0042\r\nX: y\r\n\r\n")
        #expect(write(.length(7)) == start + "Content-Length: 7\r\nX: y\r\n\r\n")
        #expect(write(.none) == start + "X: y\r\n\r\n")
        #expect(write(.chunked) == start + "X: y\r\ntransfer-encoding: chunked\r\n\r\n")
        let bare = requestFields("").head
        #expect(
            written { HeadWriter.request(bare, framing: .length(1_234_567), upgrade: false, to: $0) }
                == start + "content-length: 1234567\r\n\r\n")
    }

    @Test("a response comes out with its reason, or with the standard one")
    func reason() {
        #expect(
            answer("HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n") == "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(
            answer("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n") == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        )
    }

    @Test("the connection's fate is told in the client's version")
    func connection() {
        let text = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
        #expect(answer(text) == start + "\r\n")
        #expect(answer(text, close: true) == start + "connection: close\r\n\r\n")
        #expect(answer(text, minorVersion: 0) == start + "connection: keep-alive\r\n\r\n")
        #expect(answer(text, minorVersion: 0, close: true) == start + "connection: close\r\n\r\n")
        #expect(
            answer("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", close: true)
                == "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
    }

    @Test("a body without length is chunked for HTTP/1.1 and ends the connection for HTTP/1.0")
    func bodyWithoutLength() {
        for text in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
            #expect(answer(text) == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            #expect(answer(text, minorVersion: 0) == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        }
    }

    @Test("answers to HEAD and 304 keep their length")
    func head() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        #expect(answer(text, to: .head) == text)
        #expect(answer("HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n") == "HTTP/1.1 204 No Content\r\n\r\n")
    }

    @Test("a switch of protocols is announced")
    func switching() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        #expect(
            answer(text, upgrade: true)
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    }

    @Test("without room nothing is written")
    func noRoom() {
        let parsed = request("POST / HTTP/1.1\r\nHost: a\r\nX:y\r\n\r\n")
        let write = { (capacity: Int) in
            written(capacity: capacity) {
                HeadWriter.request(parsed.head, framing: .length(100), upgrade: false, to: $0)
            }
        }
        let whole = write(4096)!
        for capacity in 1..<whole.utf8.count { #expect(write(capacity) == nil) }
        #expect(write(whole.utf8.count) == whole)
    }

    @Test("chunks and trailers are framed so that the reader takes them apart again")
    func chunks() {
        let trailers = Head()
        trailers.appendField(name: trailers.append("Grpc-Status"), value: trailers.append("0"), id: .grpcStatus)
        trailers.appendField(.te, value: trailers.append("gone"))
        trailers.removeAll(.te)
        let buffer = Buffer(capacity: 64)
        #expect(HeadWriter.chunkHeader(size: 26, to: buffer))
        let content = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        _ = content.withUnsafeBytes { buffer.append($0) }
        #expect(HeadWriter.chunkEnd(to: buffer))
        #expect(HeadWriter.lastChunk(trailers: trailers, to: buffer))
        let text = String(decoding: buffer.readable, as: UTF8.self)
        #expect(text == "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nGrpc-Status: 0\r\n\r\n")
        #expect(ChunkedBody(text).content == content)
        #expect(written { HeadWriter.lastChunk(trailers: nil, to: $0) } == "0\r\n\r\n")
        #expect(written { HeadWriter.chunkHeader(size: Int.max, to: $0) } == "7fffffffffffffff\r\n")
    }
}
