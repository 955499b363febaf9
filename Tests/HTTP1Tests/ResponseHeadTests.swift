import HTTP1
import Testing
import Wire

@Suite struct ResponseHeadTests {
    @Test("a plain response is taken apart into status, reason and fields")
    func plain() {
        let parsed = response("HTTP/1.1 404 Not Found\r\nServer: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(parsed.result == .complete(consumed: 56, framing: .length(3), persists: true))
        #expect(parsed.head.status == 404)
        #expect(parsed.head.string(parsed.head.reason) == "Not Found")
        #expect(parsed.fields == ["Server=a", "Content-Length=3"])
    }

    @Test("the reason may be empty or missing", arguments: ["HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n"])
    func noReason(text: String) {
        let parsed = response(text)
        #expect(parsed.head.status == 200)
        #expect(parsed.head.reason.isEmpty)
    }

    @Test("answers without length or chunks end with their connection")
    func untilClose() {
        #expect(response("HTTP/1.1 200 OK\r\n\r\n").framing == .untilClose)
        #expect(response("HTTP/1.1 200 OK\r\n\r\n").persists == false)
        #expect(response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n").persists == false)
        #expect(response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n").persists == true)
        #expect(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").framing == .chunked)
        #expect(response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").fault == .transferEncodingInHTTP10)
    }

    @Test("some answers have no body whatever their fields say")
    func bodyless() {
        let fields = "Content-Length: 5\r\n\r\n"
        #expect(response("HTTP/1.1 200 OK\r\n" + fields, to: .head).framing == BodyFraming.none)
        #expect(response("HTTP/1.1 304 Not Modified\r\n" + fields).framing == BodyFraming.none)
        #expect(response("HTTP/1.1 304 Not Modified\r\n" + fields).fields == ["Content-Length=5"])
        #expect(response("HTTP/1.1 204 No Content\r\n" + fields).framing == BodyFraming.none)
        #expect(response("HTTP/1.1 204 No Content\r\n" + fields).fields == [])
        #expect(response("HTTP/1.1 100 Continue\r\n" + fields).fields == [])
        #expect(
            response("HTTP/1.1 101 Switching Protocols\r\n\r\n").result
                == .complete(consumed: 36, framing: .none, persists: true))
        #expect(response("HTTP/1.1 200 OK\r\n\r\n", to: .connect).framing == BodyFraming.none)
        #expect(response("HTTP/1.1 500 No\r\n\r\n", to: .connect).framing == .untilClose)
    }

    @Test("what does not begin like HTTP is refused at its first bytes")
    func anotherProtocol() {
        #expect(response("H").isPartial)
        #expect(response("HTTP/1.1 200 OK\r\n").isPartial)
        #expect(response("SSH-2.0").fault == .badStatusLine)
        #expect(response("").isPartial)
    }
}
