import Testing
import Wire

@testable import Routing

struct VirtualHostTests {
    @Test(
        "A Host finds its virtual host without regard to case and port",
        arguments: [
            "reviews", "REVIEWS", "reviews:80", "reviews:1234", "reviews:x", "reviews.default.svc.cluster.local.",
        ])
    func exact(_ host: String) {
        let table = table(hosts: [(["reviews", "reviews.default.svc.cluster.local."], [route("r")])])
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: \(host)")) == "r")
    }

    @Test("An unknown Host has no virtual host, and a known one without a matching route no route")
    func none() {
        let table = table(hosts: [(["reviews"], [route("r", .prefix("/a", ignoreCase: false))])])
        #expect(table.decide(0, request("GET / HTTP/1.1\nHost: other"), draw: 0) == Decision(outcome: .noVirtualHost))
        let missed = table.decide(0, request("GET /b HTTP/1.1\nHost: reviews"), draw: 0)
        #expect(missed == Decision(outcome: .noRoute, virtualHost: 0))
        #expect(table.decide(5, request("GET /b HTTP/1.1\nHost: reviews"), draw: 0).outcome == .noVirtualHost)
    }

    @Test(
        "The exact domain wins, then the longest wildcard, then *; and nothing falls through"
    )
    func precedence() {
        let table = table(hosts: [
            (["*"], [route("any")]), (["*.foo.com"], [route("short")]), (["*.b.foo.com"], [route("long")]),
            (["*-bar.foo.com"], [route("dash")]), (["a.foo.com"], [route("exact", .exact("/x", ignoreCase: false))]),
        ])
        #expect(table.chosen(request("GET /x HTTP/1.1\nHost: a.foo.com")) == "exact")
        #expect(table.chosen(request("GET /y HTTP/1.1\nHost: a.foo.com")) == nil)
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: c.foo.com")) == "short")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: x.B.foo.com:81")) == "long")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: x-bar.foo.com")) == "dash")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: foo.com")) == "any")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: .foo.com")) == "any")
    }

    @Test("The first of two virtual hosts with the same domain serves it")
    func duplicate() {
        let table = table(hosts: [(["a"], [route("first")]), (["A", "b"], [route("second")])])
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: a")) == "first")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: b")) == "second")
    }

    @Test("A table that matches ports compares the whole Host")
    func ports() {
        let table = table(hosts: [(["a:8080"], [route("high")]), (["a", "a:80"], [route("low")])], matchesPort: true)
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: A:8080")) == "high")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: a")) == "low")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: a:81")) == nil)
    }

    @Test("A bracketed address keeps its colons")
    func brackets() {
        let table = table(hosts: [(["[::1]"], [route("six")])])
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: [::1]")) == "six")
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: [::1]:8080")) == "six")
    }

    @Test("Each of ten thousand hosts is found")
    func many() {
        let hosts = (0..<10_000).map { (domains: ["h\($0).example"], routes: [route("r\($0)")]) }
        let table = table(hosts: hosts)
        for index in stride(from: 0, to: 10_000, by: 97) {
            let decision = table.decide(0, request("GET / HTTP/1.1\nHost: h\(index).example"), draw: 0)
            #expect(table.routeName(decision.route) == "r\(index)")
        }
    }

    @Test("A virtual host that requires TLS redirects by x-forwarded-proto, and knows no route without it")
    func requiresTLS() {
        let table = table([route("r")], requiresTLS: true)
        #expect(table.chosen(request("GET / HTTP/1.1\nHost: h\nx-forwarded-proto: https")) == "r")
        let plain = request("GET /p?q HTTP/1.1\nHost: h:80\nx-forwarded-proto: http")
        #expect(table.decide(0, plain, draw: 0).outcome == .requiresTLS)
        #expect(table.explain(0, plain, draw: 0).decision.outcome == .requiresTLS)
        #expect(table.decide(0, request("GET / HTTP/1.1\nHost: h"), draw: 0).outcome == .noRoute)
        let answer = Head()
        table.tlsRedirectReply(request: plain, into: answer)
        #expect(answer.status == 301)
        #expect(answer.values("location") == ["https://h:80/p?q"])
    }
}
