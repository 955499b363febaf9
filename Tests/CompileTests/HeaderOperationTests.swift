import Istio
import Routing
import Testing

@testable import Compile

@Suite("Header operations")
struct HeaderOperationTests {
    private func operations(_ changes: String) -> (Routing.HeaderOperations?, [Diagnostic]) {
        let text = """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: shop, namespace: default}
            spec:
              hosts: [shop.example]
              gateways: [front]
              http:
              - headers: {request: \(changes)}
                route: [{destination: {host: shop.example}}]
            ---
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: front, namespace: default}
            spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
            ---
            apiVersion: outrider.dev/v1alpha1
            kind: Proxy
            metadata: {name: front, namespace: default}
            spec: {mode: gateway}
            """
        let file = Decoder.decode(file: "shop.yaml", text: text)
        let proxies = file.resources.compactMap { resource in
            if case .proxy(let proxy) = resource { proxy } else { nil }
        }
        guard let proxy = proxies.first else { return (nil, file.diagnostics) }
        let compiled = Compiler.compile(file.resources, proxy: proxy)
        let routes = compiled.plan.routeConfigurations.flatMap(\.virtualHosts).flatMap(\.routes)
        guard case .forward(let action)? = routes.first?.action else { return (nil, compiled.diagnostics) }
        return (action.requestHeaders, compiled.diagnostics)
    }

    @Test(
        "An operation that cannot be carried out is left out with a sentence, the others stand",
        arguments: ["{set: {content-length: \"5\", x-kind: a}}", "{set: {x-broken: \"%NOPE%\", x-kind: a}}"])
    func leftOut(_ changes: String) throws {
        let (operations, diagnostics) = operations(changes)
        #expect(try #require(operations).set.map { $0.name } == ["x-kind"])
        #expect(diagnostics.contains { $0.message.hasSuffix("the operation is left out") })
    }

    @Test("A removal of what belongs to the connection is left out, too")
    func removal() throws {
        let (operations, diagnostics) = operations("{remove: [transfer-encoding, x-kind]}")
        #expect(try #require(operations).remove == ["x-kind"])
        #expect(diagnostics.contains { $0.message.contains("'transfer-encoding'") })
    }
}
