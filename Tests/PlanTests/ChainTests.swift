import Plan
import Routing
import TLS
import Testing
import Wire

@Suite struct ChainTests {
    private func chain(
        _ name: String, names: [String] = [], _ transport: ChainSpec.Transport = .any, alpn: [String] = [],
        _ application: ChainSpec.Application = .any, to ranges: [String] = []
    ) -> ChainSpec {
        ChainSpec(
            name: name, serverNames: names, transport: transport, alpn: alpn, application: application,
            destinations: ranges.compactMap { Subnet($0) }, action: .http(routes: 0))
    }

    private func taken(_ chains: [ChainSpec], _ facts: ConnectionFacts) -> String? {
        let listener = ListenerSpec(
            name: "l", address: .ipv4(0, port: 443), role: .gateway, chains: chains, servicePort: 443)
        return listener.chain(for: facts).map { chains[$0].name }
    }

    private func tls(_ name: String?, alpn: [String] = []) -> ConnectionFacts {
        ConnectionFacts(transport: .tls, serverName: name, alpn: alpn)
    }

    @Test("an exact server name goes before a wildcard, and the longer wildcard before the shorter")
    func serverNames() {
        let chains = [
            chain("short", names: ["*.com"], .tls), chain("exact", names: ["a.b.com"], .tls),
            chain("long", names: ["*.b.com"], .tls), chain("any", .tls),
        ]
        #expect(taken(chains, tls("a.b.com")) == "exact")
        #expect(taken(chains, tls("x.b.com")) == "long")
        #expect(taken(chains, tls("y.x.b.com")) == "long")
        #expect(taken(chains, tls("b.com")) == "short")
        #expect(taken(chains, tls("com")) == "any")
        #expect(taken(chains, tls(nil)) == "any")
    }

    @Test("a connection without server name is not taken by a chain with names")
    func withoutName() {
        #expect(taken([chain("a", names: ["a.com"], .tls)], tls(nil)) == nil)
        #expect(taken([chain("a", names: ["a.com"], .tls)], ConnectionFacts()) == nil)
    }

    @Test("the descent does not go back: a narrower range hides a broader one that would fit")
    func greedy() {
        let chains = [
            chain("narrow", names: ["a.com"], .tls, to: ["10.0.0.0/24"]), chain("broad", .tls, to: ["10.0.0.0/8"]),
        ]
        var facts = tls("b.com")
        facts.destination = SocketAddress("10.0.0.7:443")
        #expect(taken(chains, facts) == nil)
        facts.destination = SocketAddress("10.9.0.7:443")
        #expect(taken(chains, facts) == "broad")
        facts.destination = nil
        #expect(taken(chains, facts) == nil)
    }

    @Test("a chain for one transport hides a chain for both")
    func transport() {
        let chains = [chain("plain http", .plain, .http), chain("rest")]
        #expect(taken(chains, ConnectionFacts(application: .http)) == "plain http")
        #expect(taken(chains, ConnectionFacts(application: .other)) == nil)
        #expect(taken(chains, tls("x")) == "rest")
    }

    @Test("the client's own order of ALPN decides, and a chain without ALPN takes what is left")
    func alpn() {
        let chains = [chain("h1", .tls, alpn: ["http/1.1"]), chain("h2", .tls, alpn: ["h2"]), chain("rest", .tls)]
        #expect(taken(chains, tls(nil, alpn: ["h2", "http/1.1"])) == "h2")
        #expect(taken(chains, tls(nil, alpn: ["http/1.1", "h2"])) == "h1")
        #expect(taken(chains, tls(nil, alpn: ["x"])) == "rest")
        #expect(taken(chains, tls(nil)) == "rest")
    }

    @Test("a chain for HTTP leaves everything else to the one without a condition")
    func application() {
        let chains = [chain("tcp"), chain("http", .any, .http)]
        #expect(taken(chains, ConnectionFacts(application: .http)) == "http")
        #expect(taken(chains, ConnectionFacts(application: .other)) == "tcp")
        #expect(taken(chains, tls("x")) == "tcp")
    }

    @Test("one plain HTTP chain needs to see nothing, one TLS chain neither")
    func nothingToInspect() {
        func inspects(_ chains: ChainSpec...) -> Inspection {
            ListenerSpec(name: "l", address: .ipv4(0, port: 1), role: .inbound, chains: chains, servicePort: 1).inspects
        }
        #expect(inspects(chain("http")).isNothing)
        #expect(inspects(chain("http", .plain)).isNothing)
        var ending = chain("tls", .tls)
        ending.tls = TLSServerSettings(certificates: [])
        #expect(inspects(ending).isNothing)
        #expect(ending.isQuarantined)
        ending.serverNames = ["a.com"]
        #expect(inspects(ending) == Inspection(clientHello: true, plainBytes: false))
        #expect(inspects(chain("http", .any, .http), chain("tcp")) == Inspection(clientHello: false, plainBytes: true))
        #expect(
            inspects(ending, chain("plain", .plain, .http), chain("tcp"))
                == Inspection(clientHello: true, plainBytes: true))
    }
}
