import Testing
import Wire

@testable import Routing

struct RewriteTests {
    private func rewritten(_ match: PathMatch, _ rewrite: Rewrite, _ target: String) -> Head {
        let table = table([
            route(match, .forward(ForwardAction(destinations: [Destination(cluster: .index(0))], rewrite: rewrite)))
        ])
        let head = request("GET \(target) HTTP/1.1\nHost: a.com:81")
        let decision = table.decide(0, head, draw: 0)
        #expect(decision.outcome == .route)
        table.applyRequest(decision, to: head, context: FormatContext())
        return head
    }

    @Test(
        "A rewrite replaces the matched part and keeps the query",
        arguments: [
            (PathMatch.prefix("/old", ignoreCase: false), "/new", "/old/a?q=1", "/new/a?q=1"),
            (.prefix("/old", ignoreCase: false), "/new", "/oldest", "/newest"),
            (.prefix("/old/", ignoreCase: false), "/new", "/old/a", "/newa"),
            (.prefix("/old/", ignoreCase: false), "/", "/old/a", "/a"),
            (.prefix("/old", ignoreCase: false), "/", "/old/a", "//a"),
            (.prefix("/old", ignoreCase: false), "/", "/old", "/"),
            (.prefix("/OLD", ignoreCase: true), "/new", "/oLd/x", "/new/x"),
            (.exact("/old", ignoreCase: false), "/new", "/old?q", "/new?q"),
            (.exact("/", ignoreCase: false), "/x", "/?q", "/x?q"), (.regex("/v[0-9]/.*"), "/x", "/v1/a?q", "/x?q"),
            (.any, "/new", "/a", "/newa"), (.prefix("/", ignoreCase: false), "/new", "/a", "/newa"),
        ])
    func uri(_ match: PathMatch, _ uri: String, _ target: String, _ expected: String) {
        let head = rewritten(match, Rewrite(uri: uri), target)
        #expect(head.pathText == expected)
        #expect(head.values("x-envoy-original-path") == [target])
    }

    @Test("A pattern is replaced everywhere in the path, and the query is kept")
    func regex() {
        let groups = Rewrite(regex: "^/s/([^/]+)(/.*)$", regexReplacement: "\\2/i/\\1")
        #expect(rewritten(.any, groups, "/s/foo/v1/api?x").pathText == "/v1/api/i/foo?x")
        #expect(rewritten(.any, Rewrite(regex: "o", regexReplacement: "0"), "/foo?oo").pathText == "/f00?oo")
        #expect(
            rewritten(.any, Rewrite(regex: "zzz", regexReplacement: ""), "/a").values("x-envoy-original-path") == ["/a"]
        )
    }

    @Test("A pattern that leaves nothing rewrites nothing")
    func emptyResult() {
        let head = rewritten(.any, Rewrite(regex: ".*", regexReplacement: ""), "/a?q")
        #expect(head.pathText == "/a?q")
        #expect(head.values("x-envoy-original-path") == [])
    }

    @Test("The authority is replaced entirely, in the Host field too, and kept aside")
    func authority() {
        let head = rewritten(.any, Rewrite(authority: "b.com"), "/a")
        #expect(head.authorityText == "b.com")
        #expect(head.values("host") == ["b.com"])
        #expect(head.pathText == "/a")
        #expect(head.values("x-envoy-original-host") == ["a.com:81"])
    }
}

struct ReplyTests {
    /// The Location of a redirect.
    private func location(
        _ action: RedirectAction, _ host: String, _ target: String = "/o?q=1", proto: String? = "http",
        https: Bool = false,
        match: PathMatch = .any
    ) -> String? {
        let table = table([route(match, .redirect(action))])
        let head = request(
            "GET \(target) HTTP/1.1\nHost: \(host)" + (proto.map { "\nx-forwarded-proto: \($0)" } ?? ""), https: https)
        let answer = Head()
        table.redirectReply(table.decide(0, head, draw: 0), request: head, into: answer, context: FormatContext())
        #expect(Int(answer.status) == action.status)
        return answer.values("location").first
    }

    @Test("A redirect's Location keeps what the rule does not name")
    func locations() {
        #expect(location(RedirectAction(uri: "/n"), "h:81") == "http://h:81/n?q=1")
        #expect(location(RedirectAction(uri: "/n?z"), "h") == "http://h/n?z")
        #expect(location(RedirectAction(uri: "n"), "h", "/o") == "http://h/n")
        #expect(location(RedirectAction(scheme: "https"), "h:80", "/x") == "https://h/x")
        #expect(location(RedirectAction(scheme: "https"), "h:80", "/x", proto: nil) == "https://h/x")
        #expect(location(RedirectAction(scheme: "https"), "h:8080", "/x") == "https://h:8080/x")
        #expect(location(RedirectAction(scheme: "https", port: 8443), "h:80", "/x") == "https://h:8443/x")
        #expect(location(RedirectAction(scheme: "https", port: 443), "h:80", "/x") == "https://h/x")
        #expect(location(RedirectAction(port: 443), "h:81", "/x") == "http://h:443/x")
        #expect(location(RedirectAction(authority: "x.com"), "h:81", "/x") == "http://x.com/x")
        #expect(location(RedirectAction(port: 8080), "h", "/x") == "http://h:8080/x")
        #expect(location(RedirectAction(status: 308), "h:443", "/x", proto: "https", https: true) == "https://h:443/x")
        #expect(location(RedirectAction(scheme: "http"), "h:443", "/x", proto: "https", https: true) == "http://h/x")
    }

    @Test("A redirect's prefixRewrite replaces the matched prefix")
    func prefix() {
        let foo = PathMatch.prefix("/foo", ignoreCase: false)
        #expect(location(RedirectAction(prefixRewrite: "/"), "h", "/foo/rest?q", match: foo) == "http://h//rest?q")
        #expect(location(RedirectAction(prefixRewrite: ""), "h", "/foo/rest", match: foo) == "http://h/rest")
        #expect(location(RedirectAction(prefixRewrite: "bar"), "h", "/foo/rest", match: foo) == "http://h/bar/rest")
    }

    private func direct(_ action: DirectAction, _ operations: HeaderOperations = HeaderOperations()) -> (Head, String) {
        let table = table([route(.any, .direct(action), response: operations)])
        let head = request("GET /a?b HTTP/1.1\nHost: h:1")
        let answer = Head()
        let body = table.directReply(
            table.decide(0, head, draw: 0), request: head, into: answer, context: FormatContext())
        return (answer, String(decoding: body, as: UTF8.self))
    }

    @Test("A direct answer has its body and a content-type only with one")
    func directAnswers() {
        let (answer, body) = direct(DirectAction(status: 503, body: Array("sorry".utf8)))
        #expect(answer.status == 503)
        #expect(body == "sorry")
        #expect(answer.values("content-type") == ["text/plain"])
        let json = HeaderOperations(set: [HeaderValue(name: "content-type", value: "application/json")])
        #expect(
            direct(DirectAction(status: 200, body: Array("{}".utf8)), json).0.values("content-type") == [
                "application/json"
            ])
        #expect(direct(DirectAction(status: 204), json).0.values("content-type") == [])
    }

    @Test("A direct 201 or 3xx names the request's own address")
    func directLocation() {
        #expect(direct(DirectAction(status: 201)).0.values("location") == ["http://h:1/a?b"])
        #expect(direct(DirectAction(status: 302)).0.values("location") == ["http://h:1/a?b"])
        #expect(direct(DirectAction(status: 200)).0.values("location") == [])
    }
}
