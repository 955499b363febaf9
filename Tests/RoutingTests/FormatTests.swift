import Testing
import Wire

@testable import Routing

struct FormatTests {
    private func formatted(
        _ value: String, _ text: String = "GET /p?k=v&e HTTP/1.1\nHost: h:1\na: 1\nb: 22",
        _ context: FormatContext = FormatContext()
    ) -> String? {
        let set = HeaderOperations(set: [HeaderValue(name: "out", value: value)])
        let table = table([
            route(.any, .forward(ForwardAction(destinations: [Destination(cluster: .index(0))], requestHeaders: set)))
        ])
        let head = request(text)
        table.applyRequest(table.decide(0, head, draw: 0), to: head, context: context)
        return head.values("out").first
    }

    @Test(
        "Request headers, pseudo-headers, parameters and paths",
        arguments: [
            ("%REQ(a)%", "1"), ("%REQ(A?b)%", "1"), ("%REQ(c?b)%", "22"), ("%REQ(b):1%", "2"), ("x%REQ(c)%y", "xy"),
            ("%REQUEST_HEADER(b)%", "22"), ("%REQ(:path)%", "/p?k=v&e"), ("%REQ(:authority)%", "h:1"),
            ("%REQ(host)%", "h:1"), ("%REQ(:method)%-%REQ(:scheme)%", "GET-http"), ("100%%", "100%"),
            ("%QUERY_PARAM(k)%", "v"), ("%PATH%", "/p?k=v&e"), ("%PATH(NQ)%", "/p"), ("%PATH(WQ:PATH):2%", "/p"),
            ("%ROUTE_NAME%", "r"), ("%PROTOCOL%", "HTTP/1.1"), ("%DURATION%", "0"),
        ])
    func request_(_ value: String, _ expected: String) {
        #expect(HeaderFormat.check(value) == nil)
        #expect(formatted(value) == expected)
    }

    @Test(
        "What is unavailable is empty",
        arguments: [
            "%REQ(c)%", "%RESP(a)%", "%UPSTREAM_HOST%", "%QUERY_PARAM(e)%", "%PATH(WQ:ORIG)%", "%STREAM_ID%",
            "%TRAILER(x)%",
        ])
    func unavailable(_ value: String) {
        #expect(HeaderFormat.check(value) == nil)
        #expect(formatted(value) == nil)
    }

    @Test("Addresses, with and without their port")
    func addresses() {
        var context = FormatContext()
        context.downstreamRemote = PeerAddress(.ipv4(0x0A00_0001, port: 5000))
        context.downstreamDirectRemote = PeerAddress(.ipv6(0x2001_0DB8_0000_0000, 1, port: 443, scope: 0))
        context.downstreamLocal = PeerAddress(.ipv6(0, 1, port: 80, scope: 0))
        #expect(formatted("%DOWNSTREAM_REMOTE_ADDRESS%", context: context) == "10.0.0.1:5000")
        #expect(
            formatted("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%/%DOWNSTREAM_REMOTE_PORT%", context: context)
                == "10.0.0.1/5000")
        #expect(formatted("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", context: context) == "[2001:db8::1]:443")
        #expect(formatted("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", context: context) == "::1")
    }

    private func formatted(_ value: String, context: FormatContext) -> String? {
        formatted(value, "GET / HTTP/1.1\nHost: h", context)
    }

    @Test(
        "IPv6 addresses are written as RFC 5952 asks",
        arguments: [
            (0, 0, "::"), (0, 1, "::1"), (0x2001_0DB8_0000_0000, 0, "2001:db8::"),
            (0x0001_0002_0003_0004, 0x0005_0006_0007_0008, "1:2:3:4:5:6:7:8"),
            (0x0001_0000_0000_0001, 0x0000_0000_0000_0001, "1:0:0:1::1"),
            (0x0001_0000_0001_0001, 0x0001_0001_0001_0001, "1:0:1:1:1:1:1:1"),
        ] as [(UInt64, UInt64, String)])
    func ipv6(_ high: UInt64, _ low: UInt64, _ expected: String) {
        let head = Head()
        head.append(PeerAddress(family: .ipv6, high: high, low: low, port: 0), withPort: false)
        #expect(head.string(Slice(offset: 0, length: head.storageUsed)) == expected)
    }

    @Test("What a client's handshake said, and HTTP/2")
    func handshake() {
        func formatted(_ value: String, _ context: FormatContext) -> String? {
            self.formatted(value, "GET / HTTP/1.1\nHost: h", context)
        }
        let value =
            "%REQUESTED_SERVER_NAME%|%DOWNSTREAM_PEER_URI_SAN%|%DOWNSTREAM_PEER_SUBJECT%|"
            + "%DOWNSTREAM_TLS_VERSION%|%DOWNSTREAM_TLS_CIPHER%|%PROTOCOL%"
        #expect(HeaderFormat.check(value) == nil)
        #expect(formatted(value, FormatContext()) == "|||||HTTP/1.1")
        let texts = ["shop.example", "spiffe://d/ns/a/sa/b", "CN=b", "TLSv1.3", "TLS_AES_128_GCM_SHA256"]
        Array(texts.joined().utf8).withUnsafeBytes { bytes in
            var start = 0
            let pieces = texts.map { text in
                defer { start += text.utf8.count }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + text.utf8.count)])
            }
            var context = FormatContext()
            context.protocolVersion = .http2
            context.requestedServerName = pieces[0]
            context.peerURISAN = pieces[1]
            context.peerSubject = pieces[2]
            context.tlsVersion = pieces[3]
            context.tlsCipher = pieces[4]
            #expect(formatted(value, context) == texts.joined(separator: "|") + "|HTTP/2")
        }
    }

    @Test("The start time by its format")
    func time() {
        var context = FormatContext()
        context.startTimeMicroseconds = 1_709_210_096_123_456
        #expect(formatted("%START_TIME%", context: context) == "2024-02-29T12:34:56.123Z")
        #expect(formatted("%START_TIME(%Y/%m/%d %T.%6f)%", context: context) == "2024/02/29 12:34:56.123456")
        #expect(formatted("%START_TIME(%s.%3f day %j %%)%", context: context) == "1709210096.123 day 060 %")
        context.startTimeMicroseconds = -1
        #expect(formatted("%START_TIME%", context: context) == "1969-12-31T23:59:59.999Z")
        context.startTimeMicroseconds = 4_133_980_800_000_000
        #expect(formatted("%START_TIME(%F %j)%", context: context) == "2101-01-01 001")
    }

    @Test(
        "What is not a format is named",
        arguments: [
            "50%", "%", "%REQ", "%REQ(", "%REQ(a", "%REQ(a)", "%REQ()%", "%REQ(a?b?c)%", "%REQ(a):x%", "%NONSENSE%",
            "%PROTOCOL(x)%", "%PROTOCOL:3%", "% x%", "%START_TIME(%Q)%", "%START_TIME(%5d)%", "a\r\nb", "%PATH(XX)%",
            "%DYNAMIC_METADATA(a:b)%", "%QUERY_PARAM()%",
        ])
    func broken(_ value: String) {
        #expect(HeaderFormat.check(value) != nil)
        #expect(formatted(value) == nil)
    }

    @Test("A text from outside with control characters counts as unavailable")
    func control() {
        let name: StaticString = "a\r\nb"
        var context = FormatContext()
        context.requestedServerName = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        #expect(formatted("%REQUESTED_SERVER_NAME%", context: context) == nil)
    }
}
