import Testing
import Wire

@testable import Routing

struct HeaderOperationTests {
    private func operations(
        remove: [String] = [], set: [String: String] = [:], add: [String: String] = [:], authority: String? = nil
    ) -> HeaderOperations {
        HeaderOperations(
            remove: remove, set: set.sorted { $0.key < $1.key }.map { HeaderValue(name: $0.key, value: $0.value) },
            add: add.sorted { $0.key < $1.key }.map { HeaderValue(name: $0.key, value: $0.value) }, authority: authority
        )
    }

    /// What a request looks like after the operations of a rule.
    private func edited(
        _ text: String, _ operations: HeaderOperations, destinations: [Destination]? = nil,
        rewrite: Rewrite = Rewrite(),
        draw: UInt64 = 0
    ) -> Head {
        let destinations = destinations ?? [Destination(cluster: .index(0))]
        let table = table([
            route(
                .any, .forward(ForwardAction(destinations: destinations, requestHeaders: operations, rewrite: rewrite)))
        ])
        let head = request(text)
        let decision = table.decide(0, head, draw: draw)
        table.applyRequest(decision, to: head, context: FormatContext())
        return head
    }

    private let plain = "GET /p?q=1 HTTP/1.1\nHost: h:80\nx: 0"

    @Test("With one destination its set wins over the route's")
    func single() {
        let destination = Destination(cluster: .index(0), requestHeaders: operations(set: ["x": "d"]))
        let head = edited(plain, operations(set: ["x": "r"]), destinations: [destination])
        #expect(head.values("x") == ["d"])
    }

    @Test("With several destinations the route's set and remove win")
    func several() {
        let destinations = [
            Destination(cluster: .index(0), weight: 1, requestHeaders: operations(set: ["x": "d"], add: ["y": "d"])),
            Destination(cluster: .index(1), weight: 0),
        ]
        let head = edited(plain, operations(remove: ["y"], set: ["x": "r"]), destinations: destinations)
        #expect(head.values("x") == ["r"])
        #expect(head.values("y") == [])
    }

    @Test("Within a unit: removals, then sets, then adds")
    func unit() {
        #expect(edited(plain, operations(remove: ["x"], set: ["x": "1"])).values("x") == ["1"])
        #expect(edited(plain, operations(set: ["x": "1"], add: ["x": "2"])).values("x") == ["1", "2"])
        #expect(edited(plain, operations(remove: ["x"], add: ["x": "2"])).values("x") == ["2"])
        #expect(edited(plain + "\nx: 9", operations(set: ["x": "1"])).values("x") == ["1"])
        #expect(edited(plain, operations(remove: ["X"])).values("x") == [])
    }

    @Test("Values see the head after the removals, not each other")
    func moment() {
        let head = edited(plain, operations(remove: ["y"], set: ["a": "%REQ(x)%", "x": "1"], add: ["b": "%REQ(a?x)%"]))
        #expect(head.values("a") == ["0"])
        #expect(head.values("b") == ["0"])
        #expect(head.values("x") == ["1"])
    }

    @Test("An empty value changes nothing")
    func empty() {
        #expect(edited(plain, operations(set: ["x": ""])).values("x") == ["0"])
        #expect(edited(plain, operations(set: ["x": "%REQ(y)%"])).values("x") == ["0"])
        #expect(edited(plain, operations(add: ["x": "%REQ(y)%"])).values("x") == ["0"])
    }

    @Test("An added value joins the line of a header that has only one")
    func inline() {
        let head = edited(
            "GET / HTTP/1.1\nHost: h\nuser-agent: a\ncookie: c=1",
            operations(add: ["user-agent": "b", "cookie": "d=2"]))
        #expect(head.values("user-agent") == ["a,b"])
        #expect(head.values("cookie") == ["c=1; d=2"])
        #expect(edited(plain, operations(add: ["user-agent": "b"])).values("user-agent") == ["b"])
    }

    @Test("Framing headers are not for rules")
    func framing() {
        let head = edited(
            "POST / HTTP/1.1\nHost: h\ncontent-length: 3",
            operations(remove: ["content-length"], set: ["transfer-encoding": "chunked", "host": "x", ":path": "/x"]))
        #expect(head.values("content-length") == ["3"])
        #expect(head.values("transfer-encoding") == [])
        #expect(head.values("host") == ["h"])
        #expect(HeaderFormat.check(name: "Content-Length".lowercased()) != nil)
        #expect(HeaderFormat.check(name: "x y") != nil)
        #expect(HeaderFormat.check(name: "x-y") == nil)
    }

    @Test("The authority: rewrite over route over destination; what was is kept")
    func authority() {
        let destination = Destination(cluster: .index(0), requestHeaders: operations(authority: "dest"))
        let head = edited(plain, operations(), destinations: [destination])
        #expect(head.authorityText == "dest")
        #expect(head.values("x-envoy-original-host") == ["h:80"])
        #expect(edited(plain, operations(authority: "route"), destinations: [destination]).authorityText == "route")
        let rewritten = edited(
            plain, operations(authority: "route"), destinations: [destination], rewrite: Rewrite(authority: "rewrite"))
        #expect(rewritten.authorityText == "rewrite")
    }

    @Test("Answers are edited by the destination's and the route's operations, a 404 without a route never")
    func responses() {
        let destinations = [
            Destination(
                cluster: .index(0), weight: 1, responseHeaders: operations(set: ["x": "d", "d": "%RESP(server)%"])),
            Destination(cluster: .index(1), weight: 1),
        ]
        let rule = route(
            .prefix("/a", ignoreCase: false), .forward(ForwardAction(destinations: destinations)),
            response: operations(remove: ["server"], set: ["x": "r", "code": "%RESPONSE_CODE% %REQ(:path)%"]))
        let table = table([rule])
        let asked = request("GET /a?b HTTP/1.1\nHost: h")
        let answer = response("503\nserver: s")
        table.applyResponse(table.decide(0, asked, draw: 0), to: answer, request: asked, context: FormatContext())
        #expect(answer.values("x") == ["r"])
        #expect(answer.values("d") == ["s"])
        #expect(answer.values("server") == [])
        #expect(answer.values("code") == ["503 /a?b"])
        let other = response("200\nserver: s")
        table.applyResponse(table.decide(0, asked, draw: 1), to: other, request: asked, context: FormatContext())
        #expect(other.values("d") == [])
        let missed = request("GET /b HTTP/1.1\nHost: h")
        let notFound = response("404\nserver: s")
        table.applyResponse(table.decide(0, missed, draw: 0), to: notFound, request: missed, context: FormatContext())
        #expect(notFound.values("server") == ["s"])
    }

    @Test("A full head and a growing storage lose nothing and break nothing")
    func full() {
        let many = (0..<300).map { "f\($0): \(String(repeating: "v", count: 40))" }.joined(separator: "\n")
        let head = edited(
            plain + "\n" + many, operations(set: ["x": "%REQ(f1)%%REQ(f2)%", "new": "1"], add: ["x": "z"]))
        #expect(head.values("x") == [String(repeating: "v", count: 80)])
        #expect(head.fieldCount == Head.fieldCapacity)
    }
}
