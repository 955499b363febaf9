import Foundation
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// The runnable examples under `config`.
@Suite struct ExampleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "config")

    private static func files(_ path: String) -> [URL] {
        let root = folder.appending(path: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { root.appending(path: $0) }
    }

    static let scenarios = files("scenarios").map(\.lastPathComponent)

    private func compileAll(_ files: [URL]) throws {
        // As the demo takes the marks away where it has made certificates.
        let all = try files.flatMap {
            resources(
                try String(contentsOf: $0, encoding: .utf8).replacing("#tls ", with: ""), file: $0.lastPathComponent)
        }
        var proxies = 0
        for case .proxy(let proxy) in all {
            proxies += 1
            let compiled = Compiler.compile(all, proxy: proxy)
            #expect(compiled.diagnostics.isEmpty, "\(proxy.metadata.name): \(compiled.diagnostics)")
            #expect(!compiled.plan.listeners.isEmpty)
            #expect(!compiled.plan.clusters.isEmpty)
            #expect(compiled.plan.clusters.allSatisfy { !$0.endpoints.isEmpty })
        }
        #expect(proxies > 0)
    }

    @Test("the minimal example compiles without a finding")
    func minimal() throws { try compileAll(Self.files("minimal")) }

    @Test(
        "the product catalog compiles without a finding for each of its proxies, in every scenario",
        arguments: scenarios)
    func productCatalog(scenario: String) throws {
        let base = Self.files("product-catalog").filter { $0.lastPathComponent != "scenario.yaml" }
        try compileAll(base + [Self.folder.appending(path: "scenarios/" + scenario)])
    }
}
