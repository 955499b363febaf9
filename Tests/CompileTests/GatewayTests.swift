import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct GatewayTests {
    private func edge(_ servers: String) -> String { edge("gw", servers) }

    private func edge(_ name: String, _ servers: String) -> String {
        istio("Gateway", name, in: "istio-system", "selector: {istio: ingressgateway}\nservers:\n" + servers)
    }

    private func plain(_ hosts: String, port: Int = 80, more: String = "") -> String {
        "- {port: {number: \(port), name: http-\(port), protocol: HTTP}, hosts: [\(hosts)]\(more)}\n"
    }

    /// A VirtualService that answers by itself: one path, one status.
    private func answers(
        _ name: String, in namespace: String = "istio-system", hosts: String, gateways: String = "gw",
        _ rules: (String, Int)...
    ) -> String {
        var spec = "hosts: [\(hosts)]\ngateways: [\(gateways)]\nhttp:\n"
        for (path, status) in rules {
            spec += "- match: [{uri: {prefix: \(path)}}]\n  directResponse: {status: \(status)}\n"
        }
        return istio("VirtualService", name, in: namespace, spec)
    }

    private func compile(_ texts: String..., proxy: ProxyResource = gateway()) -> CompiledPlan {
        Compiler.compile(texts.flatMap { resources($0) }, proxy: proxy)
    }

    private func statuses(_ compiled: CompiledPlan, _ domain: String) -> [Int]? {
        compiled.routes(domain)?.map { route in
            if case .direct(let direct) = route.action { direct.status } else { 0 }
        }
    }

    @Test("a server without VirtualServices has a listener and no virtual host")
    func noRules() {
        let compiled = compile(edge(plain("a.com")))
        #expect(compiled.plan.listeners.map { "\($0.name) \($0.address) \($0.role)" } == ["http.80 0.0.0.0:80 gateway"])
        #expect(compiled.plan.routeConfigurations.map(\.virtualHosts.count) == [0])
    }

    @Test("a host with a namespace takes VirtualServices of that namespace only")
    func namespaced() {
        let vs = { answers("v", in: $0, hosts: "a.com", gateways: "istio-system/gw", ("/", 201)) }
        #expect(statuses(compile(edge(plain("ns1/*.com")), vs("ns2")), "a.com") == nil)
        #expect(statuses(compile(edge(plain("ns1/*.com")), vs("ns1")), "a.com") == [201])
        #expect(statuses(compile(edge(plain("./*.com")), vs("ns1")), "a.com") == nil)
        #expect(statuses(compile(edge(plain("'*/*.com'")), vs("ns1")), "a.com") == [201])
    }

    @Test("a bare gateway name means the VirtualService's own namespace; the mistake is told")
    func bareName() {
        let compiled = compile(edge(plain("a.com")), answers("v", in: "app", hosts: "a.com", ("/", 201)))
        #expect(compiled.routes("a.com") == nil)
        #expect(compiled.tells("there is no Gateway app/gw"))
    }

    @Test("HTTP servers of several Gateways share the port's table")
    func shared() {
        let compiled = compile(
            edge("g1", plain("'*'")), edge("g2", plain("'*'")),
            answers("x", hosts: "h.com", gateways: "g1", ("/x", 201)),
            answers("y", hosts: "h.com", gateways: "g2", ("/y", 202)))
        #expect(statuses(compiled, "h.com") == [201, 202])
        #expect(compiled.plan.listeners.count == 1)
    }

    @Test("routes of several VirtualServices for one host follow each other, those that take everything last")
    func concatenated() {
        let compiled = compile(
            edge(plain("'*'")), answers("a", hosts: "h.com", ("/", 201)), answers("b", hosts: "h.com", ("/x", 202)))
        #expect(statuses(compiled, "h.com") == [202, 201])
    }

    @Test("exact and wildcard hosts are virtual hosts of their own; of an overlap the narrower is served")
    func hosts() {
        let compiled = compile(
            edge(plain("'*.foo.com'")), answers("a", hosts: "a.foo.com", ("/x", 201)),
            answers("b", hosts: "'*'", ("/y", 202)))
        #expect(statuses(compiled, "a.foo.com") == [201])
        #expect(statuses(compiled, "*.foo.com") == [202])
    }

    @Test("a Service in front of the gateway translates ports; rules speak of the Service's")
    func translation() {
        let front = service("front", in: "istio-system", ports: "{name: http, port: 80, targetPort: 8080}")
            .replacing("app: front", with: "istio: ingressgateway")
        let rules = istio(
            "VirtualService", "v", in: "istio-system",
            "hosts: [a.com]\ngateways: [gw]\nhttp:\n- match: [{port: 80}]\n  redirect: {derivePort: FROM_REQUEST_PORT}")
        let compiled = compile(edge(plain("a.com")), front, rules)
        #expect(
            compiled.plan.listeners.map { "\($0.name) \($0.address) \($0.servicePort)" } == [
                "http.8080 0.0.0.0:8080 80"
            ])
        #expect(compiled.plan.routeConfigurations.map(\.name) == ["http.8080"])
        guard case .redirect(let redirect)? = compiled.routes("a.com")?[0].action else {
            Issue.record("no redirect")
            return
        }
        #expect(redirect.port == 80)
    }

    @Test("the Proxy's listen moves a port to one or several addresses")
    func listen() {
        let proxy = gateway { proxy in
            for address in ["127.0.0.1:8000", "[::1]:8000"] {
                var entry = ProxyResource.Listen()
                entry.port = 80
                entry.address = address
                proxy.listen.append(entry)
            }
        }
        let compiled = compile(edge(plain("a.com")), proxy: proxy)
        #expect(compiled.plan.listeners.map(\.address.description) == ["127.0.0.1:8000", "[::1]:8000"])
        #expect(compiled.plan.listeners.map(\.routeConfiguration) == [0, 0])
    }

    @Test("httpsRedirect holds for the whole virtual host, and for hosts without rules")
    func httpsRedirect() {
        let compiled = compile(
            edge(plain("a.com, b.com", more: ", tls: {httpsRedirect: true}")), answers("v", hosts: "a.com", ("/", 201)))
        #expect(compiled.virtualHost("a.com")?.requiresTLS == true)
        #expect(compiled.virtualHost("b.com")?.requiresTLS == true)
        #expect(compiled.virtualHost("b.com")?.routes.isEmpty == true)
    }

    @Test("of two servers with tls and one host the later is dropped and told")
    func duplicateHosts() {
        let redirect = ", tls: {httpsRedirect: true}"
        let compiled = compile(
            edge("g1", plain("a.com", more: redirect)), edge("g2", plain("a.com, b.com", more: redirect)))
        #expect(compiled.virtualHost("a.com") != nil)
        #expect(compiled.virtualHost("b.com") == nil)
        #expect(compiled.tells("its host a.com already belongs to a server of Gateway istio-system/g1"))
    }

    @Test("a TLS server whose Secret is missing listens with a quarantined chain, and an error says why")
    func otherProtocols() {
        let compiled = compile(
            edge(
                "- {port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}}\n"
                    + plain("'*'")))
        #expect(compiled.plan.listeners.map(\.name) == ["http.80", "https.443"])
        #expect(compiled.plan.listeners[1].chains.map(\.isQuarantined) == [true])
        #expect(compiled.tells("there is no Secret istio-system/c: connections to server https on port 443 are closed"))
    }

    @Test("a gateway finds a destination's only port; with several it means the server's")
    func destinationPorts() {
        let rules = istio(
            "VirtualService", "v", in: "istio-system",
            "hosts: [a.com]\ngateways: [gw]\nhttp:\n- match: [{uri: {exact: /}}]\n  route: [{destination: {host: one.app.svc.cluster.local}}]\n- route: [{destination: {host: two.app.svc.cluster.local}}]"
        )
        let compiled = compile(
            edge(plain("a.com")), rules, service("one", in: "app", ports: "{name: http, port: 3000}"),
            service("two", in: "app", ports: "{name: http, port: 3000}, {name: http-b, port: 3001}"))
        #expect(
            compiled.targets("a.com") == [
                ["outbound|3000||one.app.svc.cluster.local"], ["NC outbound|80||two.app.svc.cluster.local"],
            ])
        #expect(compiled.plan.clusters.count == 1)
    }

    @Test("a selector that the workload does not carry keeps the Gateway away; an empty one does not")
    func selectors() {
        #expect(compile(edge(plain("a.com")).replacing("ingressgateway", with: "egressgateway")).plan.listeners.isEmpty)
        #expect(
            compile(edge(plain("a.com")).replacing("{istio: ingressgateway}", with: "{}")).plan.listeners.count == 1)
    }

    @Test("exportTo hides a VirtualService from gateways of other namespaces")
    func exportTo() {
        let rules = answers("v", in: "app", hosts: "a.com", gateways: "istio-system/gw", ("/", 201))
        #expect(statuses(compile(edge(plain("a.com")), rules), "a.com") == [201])
        #expect(
            statuses(
                compile(edge(plain("a.com")), rules.replacing("hosts:", with: "exportTo: ['.']\n  hosts:")), "a.com")
                == nil)
    }
}
