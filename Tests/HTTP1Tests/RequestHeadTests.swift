import HTTP1
import Testing
import Wire

@Suite struct RequestHeadTests {
    @Test("a plain request is taken apart into method, path, authority and fields")
    func plain() {
        let parsed = request("GET /a?b=c HTTP/1.1\r\nHost: example.com:80\r\nX-Odd:  one two\t\r\nAccept:\r\n\r\nGET")
        #expect(parsed.result == .complete(consumed: 72, framing: .none, persists: true))
        #expect(parsed.head.method == .get)
        #expect(parsed.head.string(parsed.head.methodSlice) == "GET")
        #expect(parsed.path == "/a?b=c")
        #expect(parsed.authority == "example.com:80")
        #expect(parsed.head.minorVersion == 1)
        #expect(parsed.fields == ["Host=example.com:80", "X-Odd=one two", "Accept="])
        #expect(parsed.head.firstIndex(of: .accept) == 2)
        #expect(parsed.head.storageUsed == 72)
    }

    @Test("unknown methods are legal and keep their bytes")
    func unknownMethod() {
        let parsed = request("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.head.method == .other)
        #expect(parsed.head.string(parsed.head.methodSlice) == "M-SEARCH")
    }

    @Test("an absolute-form target wins over the Host field and says its scheme")
    func absoluteForm() {
        let parsed = request("GET HTTPS://b.example:8443/x?y HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.authority == "b.example:8443")
        #expect(parsed.path == "/x?y")
        #expect(parsed.head.schemeIsHTTPS)
        #expect(!request("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n").head.schemeIsHTTPS)
    }

    @Test(
        "an absolute-form target without a path gets a slash",
        arguments: [("http://b", "/"), ("http://b?q=1", "/?q=1"), ("http://b#f", "/#f"), ("http://b/", "/")])
    func absoluteFormWithoutPath(target: String, path: String) {
        let parsed = request("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.path == path)
        #expect(parsed.authority == "b")
    }

    @Test("OPTIONS may ask for the server as a whole, others may not")
    func asteriskForm() {
        #expect(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path == "*")
        #expect(request("GET * HTTP/1.1\r\nHost: a\r\n\r\n").fault == .badTarget)
    }

    @Test("CONNECT names an authority and has no path")
    func connect() {
        let parsed = request("CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.head.method == .connect)
        #expect(parsed.path == "")
        #expect(parsed.authority == "b.example:443")
    }

    @Test(
        "CONNECT wants a host and a port",
        arguments: ["b", "b:", ":443", "b:0", "b:65536", "u@b:443", "/x", "http://b:443/", "b:443/x"])
    func badConnect(target: String) {
        #expect(request("CONNECT \(target) HTTP/1.1\r\nHost: a\r\n\r\n").fault == .badAuthority)
    }

    @Test("a fragment stays in the path for normalisation to remove")
    func fragment() {
        #expect(request("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n").path == "/a#b")
    }

    @Test("HTTP/1.0 needs no Host and does not persist unless it says so")
    func http10() {
        let parsed = request("GET / HTTP/1.0\r\n\r\n")
        #expect(parsed.result == .complete(consumed: 18, framing: .none, persists: false))
        #expect(parsed.head.minorVersion == 0)
        #expect(parsed.head.authority.isEmpty)
        #expect(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").persists == true)
        #expect(request("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").persists == false)
    }

    @Test("HTTP/1.1 persists unless it says close, on any line and in any case")
    func persistence() {
        #expect(requestFields("Connection: keep-alive\r\n").persists == true)
        #expect(requestFields("Connection: Close\r\n").persists == false)
        #expect(requestFields("Connection: x\r\nConnection: y ,, CLOSE\t\r\n").persists == false)
        #expect(requestFields("Connection: closer\r\n").persists == true)
        #expect(requestFields("Connection:\r\n").persists == true)
    }

    @Test("a few empty lines may precede the request line")
    func emptyLines() {
        let parsed = request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.consumed == 31)
        #expect(parsed.path == "/")
        #expect(request("\r\n\r\n").isPartial)
        #expect(request("\r").isPartial)
        #expect(request(String(repeating: "\r\n", count: 5) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n").fault == .emptyLines)
        #expect(request("\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").fault == .bareLineFeed)
        #expect(request("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n").fault == .bareCarriageReturn)
    }

    @Test("bodies are framed by one length or by chunks")
    func framing() {
        #expect(requestFields("").framing == BodyFraming.none)
        #expect(requestFields("Content-Length: 0\r\n").framing == .length(0))
        #expect(requestFields("content-length:  0042 \r\n").framing == .length(42))
        #expect(requestFields("Content-Length: 9223372036854775807\r\n").framing == .length(UInt64(Int64.max)))
        #expect(requestFields("Transfer-Encoding: Chunked\r\n").framing == .chunked)
    }

    @Test(
        "Authority of any legal kind is taken",
        arguments: ["", "a", "::1", "[::1]:80", "[::1%25en0]:80", "a_b,c", "0.0.0.0=5000"])
    func legalAuthority(host: String) {
        #expect(request("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").authority == host)
    }

    @Test("all visible characters may stand in a target")
    func targetCharacters() {
        let path = "/" + String((0x21...0x7E).map { Character(Unicode.Scalar($0)) })
        #expect(request("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n").path == path)
    }

    @Test("a head of exactly the limit is taken, one more byte is refused")
    func sizeLimit() {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".utf8.count
        let largest =
            "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: Limits.headBytesMax - frame) + "\r\n\r\n"
        #expect(request(largest).consumed == Limits.headBytesMax)
        #expect(request(largest + "body").consumed == Limits.headBytesMax)
        let larger = largest.replacingOccurrences(of: "X: ", with: "X: x")
        #expect(request(larger).fault == .headTooLarge)
        #expect(request(Array(larger.utf8.dropLast(4)) + Array("xxxx".utf8)).fault == .headTooLarge)
        #expect(request(String(repeating: "x", count: Limits.headBytesMax + 1)).fault == .headTooLarge)
    }

    @Test("as many fields as the limit says are taken, one more is refused")
    func fieldLimit() {
        let lines = { (count: Int) in String(repeating: "a: b\r\n", count: count) }
        #expect(requestFields(lines(Limits.headFieldsMax - 1)).head.fieldCount == Limits.headFieldsMax)
        #expect(requestFields(lines(Limits.headFieldsMax)).fault == .tooManyFields)
        #expect(HeadFault.tooManyFields.status == 431)
    }

    @Test(
        "what is no HTTP is refused at its first bytes",
        arguments: ["\u{16}\u{3}\u{1}", "{\"a\":", "PRI * HTTP/2.0\r\n", "GET / FTP/1.1\r\n"])
    func anotherProtocol(text: String) {
        #expect(request(text).fault != nil)
    }

    @Test("after anything but success the head is empty")
    func emptyAfterFailure() {
        let parsed = request("GET /a HTTP/1.1\r\nHost: a\r\nbad\r\n\r\n")
        #expect(parsed.fault == .missingColon)
        #expect(parsed.head.fieldCount == 0 && parsed.head.path.isEmpty && parsed.head.authority.isEmpty)
        #expect(parsed.head.firstIndex(of: .host) == nil)
    }
}

extension String {
    func replacingOccurrences(of part: String, with other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return replacingCharacters(range, other)
    }

    private func replacingCharacters(_ range: Range<Index>, _ other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
