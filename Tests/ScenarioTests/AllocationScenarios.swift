import Testing

/// Requests over kept connections cost no heap allocation in any thread of the process, counted by interposing malloc. Of the
/// release build (`make release`), since a debug build allocates where the optimiser specialises.
@Suite(
    "Heap allocations",
    .enabled(
        if: AllocationCounter.isPossible && ScenarioProxy.releaseBinary != nil,
        "wants cc, a release build and no sanitizer"))
struct AllocationScenarios {
    /// What is asked for over and over, and what the proxy has to do for it.
    struct Work: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var request: String
        var rule = "- route:\n  - destination: {host: catalog, subset: v1}"
        var answer: TestOrigin.Reaction = .answer(status: 200, body: "hello")
        var mesh = "{}"
    }

    private static let get = "GET /page?q=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: probe\r\nAccept: */*\r\n\r\n"

    static let works = [
        Work(testDescription: "a GET", request: get),
        Work(
            testDescription: "a POST with a body",
            request: "POST /page HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 11\r\n\r\nhello world"),
        Work(
            testDescription: "a POST in chunks",
            request:
                "POST /page HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"
        ),
        Work(
            testDescription: "an answer in chunks", request: get,
            answer: .bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        Work(
            testDescription: "matching a header, setting headers, rewriting the path and the authority", request: get,
            rule: """
                - match:
                  - {uri: {prefix: /page}, headers: {user-agent: {exact: probe}}, queryParams: {q: {exact: "1"}}}
                  rewrite: {uri: /other, authority: inner.example}
                  headers:
                    request: {set: {x-tier: gold}, add: {x-note: "%REQ(user-agent)%"}, remove: [accept]}
                    response: {set: {x-served: "%UPSTREAM_HOST%"}}
                  route:
                  - destination: {host: catalog, subset: v1}
                """),
        Work(
            // The path is short: RE2 allocates for one of over 15 bytes.
            testDescription: "regular expressions", request: get,
            rule: """
                - match:
                  - {uri: {regex: "/p[a-z]+"}, headers: {user-agent: {regex: "pro.*"}}}
                  rewrite: {uriRegexRewrite: {match: "^/p([a-z]+)", rewrite: "/q\\\\1"}}
                  route:
                  - destination: {host: catalog, subset: v1}
                """),
        Work(
            testDescription: "retries and timeouts", request: get,
            rule: """
                - retries: {attempts: 3, perTryTimeout: 5s, retryOn: "5xx,reset,connect-failure"}
                  timeout: 10s
                  route:
                  - destination: {host: catalog, subset: v1}
                """),
        Work(testDescription: "the access log", request: get, mesh: "{accessLogFile: /dev/stdout}"),
        Work(
            testDescription: "an answer of the proxy's own", request: get,
            rule: "- directResponse: {status: 418, body: {string: short and stout}}"),
        Work(
            testDescription: "a redirect", request: get,
            rule: "- redirect: {uri: /elsewhere, authority: other.example}"),
    ]

    @Test("there are none for", arguments: works)
    func keepAlive(_ work: Work) throws { try check(work, allocationsMax: 0) }

    @Test("a mirrored request takes those of its copy: an object, a head and the head's memory")
    func mirrored() throws {
        let rule = """
            - mirrors: [{destination: {host: catalog, subset: v2}}]
              route:
              - destination: {host: catalog, subset: v1}
            """
        // Five a copy. How many copies are under way at once, and so the connections for them, is a matter of time.
        try check(Work(testDescription: "a mirrored GET", request: Self.get, rule: rule), allocationsMax: 6)
    }

    /// Does the work 2,000 times over warm connections. `allocationsMax`: that one request may take.
    private func check(_ work: Work, allocationsMax: Int) throws {
        let counter = try AllocationCounter()
        let binary = try #require(ScenarioProxy.releaseBinary)
        let shop = try Shop(
            routes: Manifest.routes(work.rule), mesh: work.mesh, v1: TestOrigin { _ in work.answer },
            program: .init(path: binary, environment: counter.environment))
        let clients = try (0..<4).map { _ in try shop.client() }
        func ask(_ times: Int) throws {
            for _ in 0..<times {
                for client in clients {
                    client.send(work.request)
                    let answer = try #require(client.answer())
                    try #require(answer.isWhole && answer.status < 500, "\(answer)")
                }
            }
        }
        try ask(50)
        let before = counter.count
        #expect(before > 0, "the library is not loaded")
        try ask(500)
        let allocations = counter.count - before
        if allocations > 2000 * allocationsMax {
            let places = try counter.places(binary: binary) { try ask(25) }
            Issue.record("\(allocations) allocations in 2000 requests; in 100 of them:\n\(places)")
        }
    }
}
