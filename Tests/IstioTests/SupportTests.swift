import Foundation
import Testing

@testable import Istio

@Suite struct SupportTests {
    @Test("every type that the tables name exists")
    func typesExist() {
        func visit(_ shape: Schema.Shape) {
            switch shape {
            case .list(let inner), .map(let inner, _): visit(inner)
            case .object(let name): #expect(Support.schema.types[name] != nil, "\(name)")
            default: break
            }
        }
        for type in Support.schema.types.values {
            for field in type.fields { visit(field.shape) }
            for name in type.alternatives.joined() { #expect(type.field(name) != nil, "\(type.name).\(name)") }
        }
        for kind in Kind.Served.allCases { #expect(Support.schema.types[kind.specType ?? kind.rawValue] != nil) }
    }

    /// With `OUTRIDER_UPDATE` in the environment the page is written instead.
    @Test("the page of supported fields is what the tables say")
    func page() throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/istio-support.md")
            .standardized
        if ProcessInfo.processInfo.environment["OUTRIDER_UPDATE"] != nil {
            try Support.page().write(to: url, atomically: true, encoding: .utf8)
        }
        let isCurrent = try String(contentsOf: url, encoding: .utf8) == Support.page()
        #expect(isCurrent, "run the tests with OUTRIDER_UPDATE=1 and look at the change")
    }

    @Test("what the nearest name is")
    func spelling() {
        #expect(
            Spelling.nearest(to: "mirror_percentage", among: ["mirrors", "mirrorPercentage"]) == "mirrorPercentage")
        #expect(Spelling.nearest(to: "hots", among: ["hosts", "http"]) == "hosts")
        #expect(Spelling.nearest(to: "banana", among: ["hosts", "http"]) == nil)
    }
}
