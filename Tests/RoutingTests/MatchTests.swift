import Testing
import Wire

@testable import Routing

struct MatchTests {
    /// Whether the path of a request meets a rule's.
    private func holds(_ match: PathMatch, _ path: String, _ mode: PathNormalization = .base) -> Bool {
        let head = request("GET \(path) HTTP/1.1\nHost: h")
        #expect(PathNormalizer.normalize(head, mode: mode))
        return table([route("r", match)]).chosen(head) == "r"
    }

    private func holds(_ rule: RouteSpec, _ text: String, https: Bool = false) -> Bool {
        table([rule]).chosen(request(text, https: https)) != nil
    }

    @Test("A prefix is a plain prefix of the path's bytes")
    func prefix() {
        #expect(holds(.prefix("/foo", ignoreCase: false), "/foobar"))
        #expect(holds(.prefix("", ignoreCase: false), "/x"))
        #expect(!holds(.prefix("/foo", ignoreCase: false), "/fo"))
        #expect(!holds(.prefix("/foo", ignoreCase: false), "/FOO"))
        #expect(holds(.prefix("/Foo", ignoreCase: true), "/fOObar"))
    }

    @Test("An exact path looks at neither query nor case, and at every slash")
    func exact() {
        #expect(holds(.exact("/foo", ignoreCase: false), "/foo?x=1"))
        #expect(!holds(.exact("/foo", ignoreCase: false), "/foo/"))
        #expect(!holds(.exact("/foo", ignoreCase: false), "/FOO"))
        #expect(holds(.exact("/foo", ignoreCase: true), "/FOO"))
        #expect(holds(.exact("/a", ignoreCase: false), "/a#frag"))
        #expect(holds(.exact("/a%20b", ignoreCase: false), "/a%20b"))
    }

    @Test("Rules see the normalised path")
    func normalised() {
        let rule = PathMatch.exact("/a/c", ignoreCase: false)
        #expect(holds(rule, "/a/b/../c"))
        #expect(holds(rule, "/a/./c"))
        #expect(!holds(rule, "/a%2Fc"))
        #expect(!holds(rule, "//a/c"))
        #expect(holds(rule, "//a/c", .mergeSlashes))
        #expect(holds(rule, "/a%2Fc", .decodeAndMergeSlashes))
    }

    @Test("A pattern matches the whole path without its query; a broken one matches nothing")
    func regex() {
        let rule = PathMatch.regex("/a/[0-9]+")
        #expect(holds(rule, "/a/12"))
        #expect(!holds(rule, "/a/12/b"))
        #expect(!holds(rule, "/x/a/12"))
        #expect(holds(rule, "/a/12?q"))
        #expect(!holds(.regex("("), "("))
        #expect(!holds(.regex("("), "/"))
    }

    @Test("Repeated headers are joined by a comma, cookies by a semicolon")
    func joined() {
        let rule = route("r", headers: [NamedMatch(name: "x", match: .exact("a,b"))])
        #expect(holds(rule, "GET / HTTP/1.1\nHost: h\nX: a\nx: b"))
        #expect(!holds(rule, "GET / HTTP/1.1\nHost: h\nX: a\ny: b"))
        let cookie = route("r", headers: [NamedMatch(name: "Cookie", match: .regex("a=1; b=2; c=3"))])
        #expect(holds(cookie, "GET / HTTP/1.1\nHost: h\ncookie: a=1\nz: y\ncookie: b=2\ncookie: c=3"))
    }

    @Test("Presence asks for the header, whatever its value")
    func presence() {
        for match in [StringMatch.present, .regex("*")] {
            let rule = route("r", headers: [NamedMatch(name: "x", match: match)])
            #expect(holds(rule, "GET / HTTP/1.1\nHost: h\nx:"))
            #expect(!holds(rule, "GET / HTTP/1.1\nHost: h"))
            let without = route("r", headers: [NamedMatch(name: "x", match: match, isInverted: true)])
            #expect(!holds(without, "GET / HTTP/1.1\nHost: h\nx: 1\nx: 2"))
            #expect(holds(without, "GET / HTTP/1.1\nHost: h"))
        }
    }

    @Test("Without headers, a missing header counts as empty")
    func without() {
        func rule(_ match: StringMatch) -> RouteSpec {
            route("r", headers: [NamedMatch(name: "x", match: match, isInverted: true)])
        }
        #expect(holds(rule(.exact("v")), "GET / HTTP/1.1\nHost: h"))
        #expect(!holds(rule(.exact("v")), "GET / HTTP/1.1\nHost: h\nx: v"))
        #expect(holds(rule(.exact("v")), "GET / HTTP/1.1\nHost: h\nx: w"))
        #expect(!holds(rule(.exact("")), "GET / HTTP/1.1\nHost: h"))
        #expect(!holds(rule(.regex(".*")), "GET / HTTP/1.1\nHost: h"))
        #expect(holds(rule(.prefix("a")), "GET / HTTP/1.1\nHost: h"))
    }

    @Test("A header's pattern matches its whole value, and no value matches a missing header")
    func values() {
        let rule = route("r", headers: [NamedMatch(name: "x", match: .regex("ab"))])
        #expect(!holds(rule, "GET / HTTP/1.1\nHost: h\nx: xabx"))
        #expect(holds(rule, "GET / HTTP/1.1\nHost: h\nx: ab"))
        let any = route("r", headers: [NamedMatch(name: "x", match: .prefix(""))])
        #expect(!holds(any, "GET / HTTP/1.1\nHost: h"))
    }

    @Test("Method, authority and scheme are compared as they came")
    func pseudo() {
        #expect(holds(route("r", method: .exact("POST")), "POST / HTTP/1.1\nHost: h"))
        #expect(!holds(route("r", method: .exact("POST")), "post / HTTP/1.1\nHost: h"))
        #expect(holds(route("r", authority: .exact("foo.com")), "GET / HTTP/1.1\nHost: foo.com"))
        #expect(!holds(route("r", authority: .exact("foo.com")), "GET / HTTP/1.1\nHost: foo.com:80"))
        #expect(!holds(route("r", authority: .exact("foo.com")), "GET / HTTP/1.1\nHost: FOO.com"))
        #expect(holds(route("r", scheme: .exact("https")), "GET / HTTP/1.1\nHost: h", https: true))
        #expect(!holds(route("r", scheme: .exact("https")), "GET / HTTP/1.1\nHost: h"))
        let host = route("r", headers: [NamedMatch(name: "host", match: .exact("h:1"))])
        #expect(holds(host, "GET / HTTP/1.1\nHost: h:1"))
        let path = route("r", headers: [NamedMatch(name: ":path", match: .exact("/a?b"))])
        #expect(holds(path, "GET /a?b HTTP/1.1\nHost: h"))
    }

    @Test(
        "A query parameter is its first occurrence, undecoded",
        arguments: [
            ("?k=v", true), ("?k=v&k=w", true), ("?k=w&k=v", false), ("?K=v", false), ("?k=%76", false),
            ("?a&k=v", true),
        ])
    func parameters(_ query: String, _ expected: Bool) {
        let rule = route("r", query: [NamedMatch(name: "k", match: .exact("v"))])
        #expect(holds(rule, "GET /\(query) HTTP/1.1\nHost: h") == expected)
    }

    @Test("A parameter without a value is present and empty")
    func emptyParameter() {
        let present = route("r", query: [NamedMatch(name: "k", match: .present)])
        let empty = route("r", query: [NamedMatch(name: "k", match: .exact(""))])
        for query in ["?k", "?k=", "?a=b&k&c"] {
            #expect(holds(present, "GET /\(query) HTTP/1.1\nHost: h"))
            #expect(holds(empty, "GET /\(query) HTTP/1.1\nHost: h"))
        }
        #expect(!holds(present, "GET / HTTP/1.1\nHost: h"))
        #expect(!holds(present, "GET /?kk=1 HTTP/1.1\nHost: h"))
    }

    @Test("The first rule that matches decides, however specific a later one is")
    func order() {
        let rules = [
            route("query", .prefix("/", ignoreCase: false), query: [NamedMatch(name: "q", match: .present)]),
            route("prefix", .prefix("/a", ignoreCase: false)), route("exact", .exact("/a/b", ignoreCase: false)),
        ]
        #expect(table(rules).chosen(request("GET /a/b HTTP/1.1\nHost: h")) == "prefix")
        #expect(table(rules).chosen(request("GET /a/b?q HTTP/1.1\nHost: h")) == "query")
    }

    @Test("An explanation names what each rule missed, what is shadowed, and the draw")
    func explained() {
        let rules = [
            route("a", .prefix("/x", ignoreCase: false)),
            route("b", headers: [NamedMatch(name: "end-user", match: .exact("jason"))]),
            route("c"), route("d"),
        ]
        let explanation = table(rules).explain(0, request("GET /y HTTP/1.1\nHost: h\nend-user: eve"), draw: 9)
        #expect(
            explanation.rules.map(\.verdict) == [
                .missed("path \"/y\" is not prefix \"/x\""),
                .missed("headers[end-user] must be exact \"jason\", it is \"eve\""), .chosen, .shadowed,
            ])
        #expect(explanation.chosen?.name == "c")
        #expect(explanation.description.contains("VirtualService default/test at test.yaml:1"))
    }
}
