import HTTP1
import Testing
import Wire

@Suite struct ChunkedReaderTests {
    @Test("chunks are joined, and what follows the body is left alone")
    func plain() {
        let body = ChunkedBody("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\nGET")
        #expect(body.text == "hello world")
        #expect(body.ended && body.rest == 3 && body.trailers == [])
    }

    @Test("a size line and its chunk are delivered in one step, line end included")
    func oneStep() {
        var reader = ChunkedReader()
        let bytes = Array("A\r\n0123456789\r\n0\r\n\r\n".utf8)
        #expect(reader.next(bytes, trailers: Head()) == .data(3..<13, consumed: 15))
        #expect(reader.next(Array(bytes[15...]), trailers: Head()) == .end(consumed: 5))
        #expect(reader.next([], trailers: Head()) == .end(consumed: 0))
    }

    @Test("content is delivered as it comes, without waiting for its chunk")
    func pieces() {
        var reader = ChunkedReader()
        let head = Head()
        #expect(reader.next(Array("ffffffffff\r\nabc".utf8), trailers: head) == .data(12..<15, consumed: 15))
        #expect(reader.next(Array("def".utf8), trailers: head) == .data(0..<3, consumed: 3))
    }

    @Test(
        "extensions are passed over",
        arguments: [
            "5;a", "5;a=b", "5;a=\"b c\"", "5;a=\"\\\"\\\\\";b;c=d", "5 ;a", "5\t;\ta = b ; c", "5;a=\"é\r\n",
            "05;q=\"\"",
        ])
    func extensions(line: String) {
        let body = ChunkedBody(line + "\r\nhello\r\n0;x\r\n\r\n")
        if line.contains("é") {
            #expect(body.fault == .badChunkExtension)
        } else {
            #expect(body.text == "hello" && body.ended)
        }
    }

    /// Size lines with their ends, and the rule they break.
    static let lines: [(String, BodyFault)] = [
        ("\r\n", .badChunkSize),
        (" 5\r\n", .badChunkSize),
        ("+5\r\n", .badChunkSize),
        ("-5\r\n", .badChunkSize),
        ("0x5\r\n", .badChunkSize),
        ("g\r\n", .badChunkSize),
        (";a\r\n", .badChunkSize),
        ("5\n", .badChunkSize),
        ("5\rx", .badChunkSize),
        ("5_0\r\n", .badChunkSize),
        ("5 \r\n", .badChunkExtension),
        ("5\t\r\n", .badChunkExtension),
        ("5 x\r\n", .badChunkExtension),
        ("5;\r\n", .badChunkExtension),
        ("5;a=\r\n", .badChunkExtension),
        ("5;a b\r\n", .badChunkExtension),
        ("5;a \r\n", .badChunkExtension),
        ("5;a=b \r\n", .badChunkExtension),
        ("5;a=\"b\r\n", .badChunkExtension),
        ("5;a=\"b\" \r\n", .badChunkExtension),
        ("5;a=b\n", .badChunkExtension),
        ("5;a=\"b\nc\"\r\n", .badChunkExtension),
        ("5;a=b\rc\r\n", .badChunkSize),
        ("5;a\u{0}\r\n", .badChunkExtension),
        ("8000000000000000\r\n", .chunkTooLarge),
        ("00000000000000005\r\n", .chunkTooLarge),
        ("ffffffffffffffffffff", .chunkTooLarge),
    ]

    @Test("each rule of the size line is held", arguments: lines)
    func sizeLine(line: String, fault: BodyFault) {
        #expect(ChunkedBody(line + "hello\r\n0\r\n\r\n").fault == fault)
        #expect(ChunkedBody(line + "hello\r\n0\r\n\r\n", step: 1).fault == fault)
    }

    @Test("the largest size that is taken is that of a signed word")
    func largest() {
        #expect(ChunkedBody("7fffffffffffffff\r\nabc").text == "abc")
        #expect(ChunkedBody("0000000000000003\r\nabc").text == "abc")
    }

    @Test("a chunk ends with CR and LF", arguments: ["hello0\r\n", "hello\n0\r\n", "hello\rX", "hello\n\r"])
    func chunkEnd(text: String) {
        #expect(ChunkedBody("5\r\n" + text).fault == .badChunkEnd)
        #expect(ChunkedBody("5\r\n" + text, step: 1).fault == .badChunkEnd)
    }

    @Test("a size line has a limit")
    func longLine() {
        let name = String(repeating: "a", count: Limits.chunkLineBytesMax)
        #expect(ChunkedBody("5;" + name).fault == .chunkLineTooLong)
        #expect(ChunkedBody("5;" + name.dropLast(3) + "\r\nhello").text == "hello")
    }

    @Test("trailers are read like fields")
    func trailers() {
        let body = ChunkedBody("1\r\na\r\n0\r\nGrpc-Status:  0 \r\nX: y\r\n\r\nGET")
        #expect(body.trailers == ["Grpc-Status=0", "X=y"])
        #expect(body.ended && body.rest == 3)
    }

    @Test(
        "trailers that frame or route the message are refused",
        arguments: [
            "Content-Length: 5", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: x", "Content-Length: x",
        ])
    func forbidden(line: String) {
        #expect(ChunkedBody("0\r\nX: y\r\n\(line)\r\n\r\n").fault == .forbiddenTrailer)
    }

    @Test("trailers that pass for credentials or for the proxy's word are dropped")
    func dropped() {
        let body = ChunkedBody(
            "0\r\nAuthorization: a\r\nX-Forwarded-For: b\r\nx-envoy-internal: true\r\nTE: c\r\nX: y\r\n\r\n")
        #expect(body.trailers == ["X=y"])
    }

    @Test(
        "malformed trailers are refused",
        arguments: [
            "X: a\nY: b\r\n\r\n", "X: a\rb\r\n\r\n", " X: a\r\n\r\n", "X : a\r\n\r\n", "X\r\n\r\n", "\rX",
            "X: a\r\n b\r\n\r\n", "\n",
        ])
    func malformed(text: String) {
        #expect(ChunkedBody("0\r\n" + text).fault == .badTrailer)
        #expect(ChunkedBody("0\r\n" + text, step: 1).fault == .badTrailer)
    }

    @Test("trailers have limits")
    func trailerLimits() {
        let long = String(repeating: "x", count: Limits.trailerBytesMax)
        #expect(ChunkedBody("0\r\nX: \(long)\r\n\r\n").fault == .trailersTooLarge)
        #expect(ChunkedBody("0\r\nX: \(long)").fault == .trailersTooLarge)
        let many = String(repeating: "a: b\r\n", count: Limits.headFieldsMax + 1)
        #expect(ChunkedBody("0\r\n" + many + "\r\n").fault == .trailersTooLarge)
    }

    @Test(
        "a body that stops early never ends",
        arguments: [
            "", "5", "5\r", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n",
        ])
    func unfinished(text: String) {
        let body = ChunkedBody(text)
        #expect(!body.ended && body.fault == nil)
    }

    @Test("the pieces that bytes come in change nothing", arguments: 1...9)
    func pieces(step: Int) {
        for text in [
            "5\r\nhello\r\n6;a=\"b;c\"\r\n world\r\n0\r\nX: y\r\nZ:\r\n\r\nrest", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
            "5\r\nhello\r\n;",
            "3 ; a = b ;c\r\nabc\r\n0\r\n\r\n",
        ] {
            var whole = ChunkedBody(text)
            var split = ChunkedBody(text, step: step)
            if whole.fault != nil { (whole.rest, split.rest) = (0, 0) }
            #expect(whole == split)
        }
    }
}
