import Foundation
import Istio
import Testing

@testable import Demo
@testable import Wire

@Suite struct MeshLayoutTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("config/product-catalog")

    private func resources(_ marks: Set<Mark>) throws -> [Resource] {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.examples.path).sorted()
        return try files.filter { $0.hasSuffix(".yaml") }.flatMap { file in
            let text = try String(contentsOf: Self.examples.appendingPathComponent(file), encoding: .utf8)
            let decoded = Decoder.decode(file: "demo/\(file)", text: Mark.taken(marks, from: text))
            #expect(decoded.diagnostics.isEmpty, "\(decoded.diagnostics)")
            return decoded.resources
        }
    }

    @Test("With its marks the example is whole, and in plain text")
    func plain() throws {
        let layout = try MeshLayout(resources([]))
        #expect(layout.workloads.isEmpty)
        #expect(layout.secureGateway == nil)
        #expect(layout.sidecars.count == 4)
    }

    @Test("Without them every proxy has an identity of its service account, and the gateway a port for TLS")
    func secure() throws {
        let resources = try resources([.certificates, .accessLog])
        let layout = try MeshLayout(resources)
        #expect(layout.secureGateway == SocketAddress("127.0.0.1:18443"))
        let account = { (name: String) in "spiffe://cluster.local/ns/workshop/sa/\(name)-sa" }
        #expect(
            layout.workloads.sorted { $0.name < $1.name } == [
                .init(name: "catalogdetail-v1", identity: account("catalogdetail")),
                .init(name: "catalogdetail-v2", identity: account("catalogdetail")),
                .init(name: "frontend", identity: account("frontend")),
                .init(name: "ingress", identity: account("ingress")),
                .init(name: "productcatalog", identity: account("productcatalog")),
            ])
        for case .proxy(let proxy) in resources {
            let folder = "demo/certificates/\(proxy.metadata.name)"
            #expect(proxy.identity?.certificateChain == "\(folder)/chain.pem")
            #expect(proxy.identity?.privateKey == "\(folder)/key.pem")
            #expect(proxy.identity?.rootCertificates == "demo/certificates/root.pem")
            #expect(proxy.meshConfig.accessLogFile == "/dev/stdout")
        }
    }

    @Test("Every pod of the example says that its sidecar speaks mutual TLS")
    func labels() throws {
        for case .pod(let pod) in try resources([]) {
            #expect(pod.metadata.labels["security.istio.io/tlsMode"] == "istio", "\(pod.metadata.name)")
        }
    }
}
