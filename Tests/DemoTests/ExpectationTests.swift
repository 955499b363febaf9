import Foundation
import Istio
import Testing

@testable import Demo

@Suite struct ExpectationTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("config")

    private func resources(_ file: String) throws -> [Resource] {
        let text = try String(contentsOf: Self.examples.appendingPathComponent(file), encoding: .utf8)
        let decoded = Decoder.decode(file: file, text: text)
        #expect(decoded.diagnostics.isEmpty)
        return decoded.resources
    }

    @Test("The even scenario leaves the shares to the balancer")
    func even() throws {
        let expectation = try #require(Expectation(resources("scenarios/even.yaml")))
        #expect(expectation.isBalanced)
        #expect(expectation.holds(hits: 55, draws: 100, share: 0.5))
        #expect(!expectation.holds(hits: 61, draws: 100, share: 0.5))
    }

    @Test("The scenarios of mutual TLS share out as the even one does", arguments: ["mtls-strict", "mtls-permissive"])
    func mutualTLS(scenario: String) throws {
        let resources = try resources("scenarios/\(scenario).yaml")
        #expect(Expectation(resources) == (try Expectation(self.resources("scenarios/even.yaml"))))
        let mode = scenario == "mtls-strict" ? PeerAuthentication.Mode.strict : .permissive
        #expect(
            resources.contains {
                if case .peerAuthentication(let found) = $0 { found.mode == mode } else { false }
            })
    }

    @Test("The weights are the shares")
    func weights() throws {
        let expectation = try #require(Expectation(resources("scenarios/weights.yaml")))
        #expect(expectation.shares == ["v1": 0.9, "v2": 0.1])
        #expect(expectation.copies.isEmpty)
    }

    @Test("All to version 1 leaves nothing for version 2")
    func onlyOne() throws {
        let expectation = try #require(Expectation(resources("scenarios/v1.yaml")))
        let table = ShareTable(expectation, counted: ["v1": 100, "v2": 0])
        #expect(table.holds)
        #expect(!ShareTable(expectation, counted: ["v1": 99, "v2": 1]).holds)
    }

    @Test("The path scenario asks for both versions in turn")
    func path() throws {
        let expectation = try #require(Expectation(resources("scenarios/path.yaml")))
        #expect(expectation.paths == .versions)
    }

    @Test("The header scenario's share is the weight that marks requests as internal")
    func header() throws {
        let expectation = try #require(Expectation(resources("scenarios/header.yaml")))
        #expect(abs((expectation.shares["v2"] ?? 0) - 0.3) < 1e-9)
        #expect(abs((expectation.shares["v1"] ?? 0) - 0.7) < 1e-9)
    }

    @Test("Copies are counted apart from answers")
    func mirror() throws {
        let expectation = try #require(Expectation(resources("scenarios/mirror.yaml")))
        #expect(expectation.copies == ["v2": 0.5])
        let table = ShareTable(expectation, counted: ["v1": 1000, "v2": 503])
        #expect(table.rows.map(\.hits) == [1000, 503])
        #expect(table.rows.map(\.draws) == [1000, 1000])
        #expect(table.holds)
        #expect(!ShareTable(expectation, counted: ["v1": 1000, "v2": 700]).holds)
    }

    @Test("The example directory has a gateway and four sidecars, each with a program")
    func layout() throws {
        let files = ["gateway", "frontend", "productcatalog", "catalogdetail", "scenario"]
        let all = try files.flatMap { try resources("product-catalog/\($0).yaml") }
        let layout = try MeshLayout(all)
        #expect(layout.gateway.port == 18080)
        #expect(layout.admins.count == 5)
        #expect(Set(layout.sidecars.map { "\($0.app) \($0.version)" }).count == 4)
        #expect(Set(layout.sidecars.map(\.program)).count == 4)
        #expect(Set(layout.admins.map(\.address)).count == 5)
    }
}
