import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct OutboundStreamTests {
    private func compile(_ portProtocol: String, _ texts: String...) -> CompiledPlan {
        let port = portProtocol.isEmpty ? "{number: 443, name: p}" : "{number: 443, name: p, protocol: \(portProtocol)}"
        let scope = istio("Sidecar", "s", "egress: [{port: \(port), hosts: ['*/*']}]")
        return Compiler.compile((texts + [scope]).flatMap { resources($0) }, proxy: sidecar(proxyPort: 0))
    }

    private let one = service("one", ports: "{name: https, port: 443}")
    private let two = service("two", ports: "{name: https, port: 443}")
    private func host(_ name: String) -> String { "\(name).default.svc.cluster.local" }
    private func cluster(_ name: String) -> String { "1×outbound|443||\(host(name))" }

    @Test("services of a TLS port are told apart by server name, the only one takes any")
    func serverNames() {
        #expect(compile("TLS", one).chains("outbound|443") == ["\(host("one")):  → \(cluster("one"))"])
        let both = compile("HTTPS", one, two)
        func taken(_ name: String?) -> String? {
            both.takes("outbound|443", ConnectionFacts(transport: .tls, serverName: name))
        }
        #expect(taken(host("one")) == host("one"))
        #expect(taken("two") == host("two"))
        #expect(taken("three") == nil)
        #expect(taken(nil) == nil)
    }

    @Test("tls rules take the place of the service's own chain, and the first of two equal matches stays")
    func rules() {
        let rule = istio(
            "VirtualService", "v",
            """
            hosts: [one.default.svc.cluster.local]
            tls:
            - match: [{port: 443, sniHosts: [one.default.svc.cluster.local]}]
              route: [{destination: {host: two}, weight: 3}, {destination: {host: one}, weight: 1}]
            - match: [{sniHosts: [one.default.svc.cluster.local]}]
              route: [{destination: {host: one}}]
            """)
        #expect(
            compile("TLS", one, two, rule).chains("outbound|443")?.first
                == "\(host("one")): TLS, server name \(host("one")) → 3×outbound|443||\(host("two")) \(cluster("one"))")
        #expect(compile("TLS", one, two, rule).chains("outbound|443")?.count == 2)
    }

    @Test("tcp rules: ranges first, then the default; a match without ranges ends the list")
    func tcp() {
        func rule(_ text: String) -> String { istio("VirtualService", "v", "hosts: [one]\ntcp:\n\(text)") }
        let ranged = compile(
            "TCP", one, two,
            rule("- match: [{destinationSubnets: [10.0.0.0/8]}]\n  route: [{destination: {host: two}}]"))
        #expect(
            ranged.chains("outbound|443") == [
                "tcp[0]: to 10.0.0.0/8 → \(cluster("two"))", "tcp:  → \(cluster("one"))",
            ])
        let final = compile("TCP", one, two, rule("- match: [{port: 443}]\n  route: [{destination: {host: two}}]"))
        #expect(final.chains("outbound|443") == ["tcp[0]:  → \(cluster("two"))"])
        let foreign = compile(
            "TCP", one, two, rule("- match: [{sourceLabels: {app: x}}]\n  route: [{destination: {host: two}}]"))
        #expect(foreign.chains("outbound|443") == ["tcp:  → \(cluster("one"))"])
        #expect(foreign.tells("2 services have port 443"))
    }

    @Test("a port that names no protocol is HTTP where the bytes are, and else goes to the service")
    func auto() {
        let compiled = compile("", service("one", ports: "{name: x, port: 443}"))
        #expect(compiled.chains("outbound|443") == ["http: HTTP → http", "tcp:  → \(cluster("one"))"])
    }

    @Test("a port that no service has is not listened on")
    func nobody() {
        let compiled = compile("TCP", service("web"))
        #expect(compiled.plan.listeners.isEmpty)
        #expect(compiled.tells("no imported service has this port"))
    }
}
