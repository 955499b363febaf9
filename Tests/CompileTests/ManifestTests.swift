import Foundation
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// The public product-catalog manifests, one scenario at a time.
@Suite(.enabled(if: Shared.exists)) struct ManifestTests {
    private let catalog = "outbound|3000|%|catalogdetail.workshop.svc.cluster.local"

    private func modules(_ scenario: String? = nil) throws -> [Resource] {
        var all: [Resource] = []
        var folders = ["00-setup-mesh-resources", "01-getting-started/templates"]
        if let scenario { folders.append("02-traffic-management/" + scenario) }
        for folder in folders {
            let root = try #require(Shared.folder).appending(path: "manifests/istio-on-eks/modules/" + folder)
            for file in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() {
                let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
                    .replacing("{{ .Release.Namespace }}", with: "workshop").replacing(/\{\{.*?\}\}/, with: "x")
                let decoded = Istio.Decoder.decode(file: folder + "/" + file, text: text)
                #expect(!decoded.diagnostics.hasErrors, "\(decoded.diagnostics)")
                // A later folder's resource takes the place of the earlier one, as kubectl apply has it.
                for resource in decoded.resources { all = all.filter { $0.id != resource.id } + [resource] }
            }
        }
        for (version, address) in [("v1", "127.0.0.11"), ("v2", "127.0.0.12")] {
            all += resources(
                pod(
                    "catalogdetail-\(version)", in: "workshop", ip: address,
                    labels: "app: catalogdetail, version: \(version)"))
        }
        return all
    }

    private func client(_ scenario: String? = nil) throws -> CompiledPlan {
        Compiler.compile(try modules(scenario), proxy: sidecar("workshop", labels: ["app": "productcatalog"]))
    }

    private func cluster(_ subset: String) -> String { catalog.replacing("%", with: subset) }

    @Test("modules 00 and 01: the gateway leads to the frontend, sidecars to each service")
    func setup() throws {
        let edge = Compiler.compile(try modules(), proxy: gateway())
        #expect(edge.plan.listeners.map { "\($0.name) \($0.address)" } == ["http.80 0.0.0.0:80"])
        #expect(edge.targets("*") == [["outbound|9000||frontend.workshop.svc.cluster.local"]])
        let client = try client()
        #expect(client.targets("catalogdetail:3000") == [[cluster("")]])
        #expect(client.targets("catalogdetail.workshop.svc.cluster.local:3000") == [[cluster("")]])
        #expect(client.targets("productcatalog:5000") == [["outbound|5000||productcatalog.workshop.svc.cluster.local"]])
        #expect(client.addresses(cluster("")) == ["127.0.0.11:3000", "127.0.0.12:3000"])
        #expect(client.diagnostics.isEmpty, "\(client.diagnostics)")
    }

    @Test("all to version 1")
    func toVersionOne() throws {
        let compiled = try client("route-traffic-to-version-v1")
        #expect(compiled.targets("catalogdetail:3000") == [[cluster("v1")]])
        #expect(compiled.addresses(cluster("v1")) == ["127.0.0.11:3000"])
    }

    @Test("90 to 10 by weight")
    func byWeight() throws {
        let compiled = try client("weight-based-routing")
        #expect(compiled.targets("catalogdetail:3000") == [[cluster("v1"), cluster("v2")]])
        guard case .forward(let forward)? = compiled.routes("catalogdetail:3000")?[0].action else { return }
        #expect(forward.destinations.map(\.weight) == [90, 10])
    }

    @Test("by path with a rewrite, by header, and half of it mirrored")
    func byPathHeaderMirror() throws {
        let paths = try client("path-based-routing")
        #expect(paths.targets("catalogdetail:3000") == [[cluster("v2")], [cluster("v1")]])
        #expect(
            paths.routes("catalogdetail:3000")?.map(\.path) == [
                .exact("/v2/catalogDetail", ignoreCase: false), .exact("/v1/catalogDetail", ignoreCase: false),
            ])
        let headers = try client("header-based-routing")
        #expect(headers.targets("catalogdetail:3000") == [[cluster("v2")], [cluster("v1")]])
        #expect(headers.routes("catalogdetail:3000")?[0].headers.map(\.name) == ["user-type"])
        let mirrored = try client("traffic-mirroring")
        guard case .forward(let forward)? = mirrored.routes("catalogdetail:3000")?[0].action else { return }
        #expect(forward.mirrors.map(\.partsPerMillion) == [500_000])
        #expect(mirrored.targets("catalogdetail:3000") == [[cluster("v1")]])
    }
}
