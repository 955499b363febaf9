import Testing
import Wire

@testable import Routing

/// Random tables from a small vocabulary, so that rules overlap, and random requests.
private struct Generator {
    var random: SplitMix

    let segments = ["/", "/a", "/a/", "/a/b", "/ab", "/A", "/a/b/c", "/b", "", "/b/a", "/c/c/c/c"]
    let domains = ["*", "*.x", "*.b.x", "a.x", "a.b.x", "*-a.x", "h", "h:81", "B.X", "*x"]
    let hosts = ["a.x", "A.X", "a.b.x", "c.b.x", "b.x", "c-a.x", "h", "h:81", "x", "zz", "a.x:81", ".x", "[::1]:2"]
    let values = ["", "a", "b", "ab", "a,b"]
    let sources = ["a.*", "/a(/.*)?", ".*", "(", "b|ab", "/[ab]/?"]

    mutating func configuration() -> RouteConfigurationSpec {
        let hosts = (0...random.below(5)).map { index in
            VirtualHostSpec(
                name: "v\(index)", domains: (0...random.below(2)).map { _ in random.pick(domains) },
                routes: (0..<random.pick([0, 1, 3, 9, 20, 60])).map { rule("v\(index)r\($0)") },
                requiresTLS: random.below(10) == 0, provenance: somewhere)
        }
        return RouteConfigurationSpec(name: "c", virtualHosts: hosts, matchesPort: random.below(4) == 0)
    }

    private mutating func rule(_ name: String) -> RouteSpec {
        let path: PathMatch =
            switch random.below(10) {
            case 0: .any
            case 1: .regex(random.pick(sources))
            case 2...5: .exact(random.pick(segments), ignoreCase: random.below(8) == 0)
            default: .prefix(random.pick(segments), ignoreCase: random.below(8) == 0)
            }
        var rule = route(name, path, to: random.below(4))
        if random.below(4) == 0 { rule.method = .exact(random.pick(["GET", "POST"])) }
        if random.below(12) == 0 { rule.authority = stringMatch() }
        if random.below(12) == 0 { rule.scheme = .exact("https") }
        if random.below(2) == 0 {
            rule.headers = (0...random.below(2)).map { _ in
                NamedMatch(
                    name: random.pick(["x", "Y", "accept"]), match: stringMatch(), isInverted: random.below(3) == 0)
            }
        }
        if random.below(4) == 0 {
            rule.queryParameters = [NamedMatch(name: random.pick(["k", "K", ""]), match: stringMatch())]
        }
        return rule
    }

    private mutating func stringMatch() -> StringMatch {
        switch random.below(4) {
        case 0: .present
        case 1: .exact(random.pick(values))
        case 2: .prefix(random.pick(values))
        default: .regex(random.pick(sources))
        }
    }

    mutating func request() -> NaiveEvaluator.Request {
        var request = NaiveEvaluator.Request()
        request.method = random.pick(["GET", "POST", "get"])
        request.host = random.pick(hosts)
        request.target =
            "/" + random.pick(segments).drop { $0 == "/" }
            + random.pick(["", "", "/d", "?", "?k", "?k=a&k=b", "?K=ab&&k=b", "?=a"])
        request.isHTTPS = random.below(2) == 0
        for _ in 0..<random.below(4) {
            request.headers.append((random.pick(["x", "X", "y", "Accept", "other"]), random.pick(values)))
        }
        if random.below(2) == 0 { request.headers.append(("x-forwarded-proto", random.pick(["https", "http"]))) }
        return request
    }
}

struct DecidePropertyTests {
    @Test("decide, explain and a naive walk agree on random tables and requests", arguments: 0..<40)
    func agree(_ seed: Int) {
        var generator = Generator(random: SplitMix(seed: UInt64(seed)))
        for _ in 0..<5 {
            let configuration = generator.configuration()
            let naive = NaiveEvaluator(configuration: configuration)
            let table = RouteTable([configuration], seed: generator.random.next())
            for _ in 0..<60 {
                let asked = generator.request()
                let head = asked.head
                let draw = generator.random.next()
                let decision = table.decide(0, head, draw: draw)
                #expect(table.explain(0, head, draw: draw).decision == decision)
                let expected = naive.decide(asked)
                #expect(decision.virtualHost == Int32(expected?.host ?? -1), "\(asked) \(configuration)")
                let route = decision.route < 0 ? nil : table.routeName(decision.route)
                let expectedRoute = expected.flatMap { found in
                    found.route.map { configuration.virtualHosts[found.host].routes[$0].name }
                }
                #expect(route == expectedRoute, "\(asked)")
            }
        }
    }

    @Test("Every one of ten thousand exact and prefix paths on one host is found")
    func manyPaths() {
        var rules = (0..<5000).map { route("e\($0)", .exact("/exact/\($0)", ignoreCase: false)) }
        rules += (0..<5000).map { route("p\($0)", .prefix("/prefix/\($0)/", ignoreCase: false)) }
        let table = table(rules)
        for index in stride(from: 0, to: 5000, by: 61) {
            let exact = table.decide(0, request("GET /exact/\(index)?q HTTP/1.1\nHost: h"), draw: 0)
            #expect(table.routeName(exact.route) == "e\(index)")
            let prefix = table.decide(0, request("GET /prefix/\(index)/x HTTP/1.1\nHost: h"), draw: 0)
            #expect(table.routeName(prefix.route) == "p\(index)")
        }
        #expect(table.decide(0, request("GET /none HTTP/1.1\nHost: h"), draw: 0).outcome == .noRoute)
    }
}
