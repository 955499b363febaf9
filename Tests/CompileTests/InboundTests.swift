import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// `Sidecar.ingress` and the application behind it.
@Suite struct InboundTests {
    private func compile(_ ingress: String, more: String = "", _ change: (inout ProxyResource) -> Void = { _ in })
        -> CompiledPlan
    {
        let texts = [
            istio("Sidecar", "s", "workloadSelector: {labels: {app: client}}\n\(more)ingress:\n- \(ingress)"),
            service("client", ports: "{name: http, port: 80, targetPort: 9080}"),
        ]
        return Compiler.compile(texts.flatMap { resources($0) }, proxy: sidecar(proxyPort: 0, change))
    }

    @Test("an ingress port is bound everywhere and leads to the application")
    func plain() {
        let compiled = compile("{port: {number: 9080, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:8080'}")
        #expect(
            compiled.plan.listeners.map { "\($0.name) \($0.address) \($0.role)" } == [
                "inbound|9080 0.0.0.0:9080 inbound"
            ])
        #expect(compiled.targets("*") == [["inbound|9080||"]])
        #expect(compiled.addresses("inbound|9080||") == ["127.0.0.1:8080"])
        #expect(compiled.cluster("inbound|9080||")?.host == "client.default.svc.cluster.local")
        guard case .forward(let forward)? = compiled.routes("*")?[0].action else { return }
        #expect(forward.retry == .istioInboundDefault)
        #expect(forward.timeoutMilliseconds == nil)
    }

    @Test("bind, Unix sockets and connection pools arrive; gRPC is not retried")
    func details() {
        let compiled = compile(
            "{port: {number: 9080, protocol: GRPC, name: grpc}, bind: 127.0.0.5, defaultEndpoint: 'unix:///run/app.sock'}",
            more: "inboundConnectionPool: {http: {http2MaxRequests: 5}}\n")
        #expect(compiled.plan.listeners.map(\.address.description) == ["127.0.0.5:9080"])
        #expect(compiled.addresses("inbound|9080||") == ["unix:///run/app.sock"])
        #expect(compiled.cluster("inbound|9080||")?.limits.requestsMax == 5)
        guard case .forward(let forward)? = compiled.routes("*")?[0].action else { return }
        #expect(forward.retry == .none)
    }

    @Test("the proxy's own port is no application")
    func loop() {
        let compiled = compile("{port: {number: 9080, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:9080'}")
        #expect(compiled.addresses("inbound|9080||") == [])
        #expect(compiled.tells("own listener inbound|9080"))
    }

    @Test("two listeners cannot have one address")
    func collision() {
        let compiled = compile(
            "{port: {number: 9080, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:1'}\n- {port: {number: 9081, protocol: HTTP, name: b}, defaultEndpoint: '127.0.0.1:2'}"
        ) { proxy in
            for port in [9080, 9081] {
                var entry = ProxyResource.Listen()
                entry.port = port
                entry.address = "127.0.0.1:7000"
                proxy.listen.append(entry)
            }
        }
        #expect(compiled.plan.listeners.count == 1)
        #expect(compiled.tells("127.0.0.1:7000 is already listened on"))
    }
}
