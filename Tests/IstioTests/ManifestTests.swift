import Foundation
import Testing

@testable import Istio

/// Public manifests that must run unchanged.
@Suite(.enabled(if: Shared.exists)) struct ManifestTests {
    @Test("the manifests of modules 00 to 02 decode and are valid", arguments: ["00", "01", "02"])
    func modules(number: String) throws {
        let files = Shared.files("manifests/istio-on-eks/modules", suffix: ".yaml")
            .filter { $0.path.contains("/modules/\(number)") && $0.lastPathComponent != "values.yaml" }
        #expect(!files.isEmpty)
        for url in files {
            let text = try String(contentsOf: url, encoding: .utf8)
                .replacing(/\{\{.*?\}\}/, with: "workshop")
            let file = Istio.Decoder.decode(file: url.lastPathComponent, text: text)
            let findings = file.diagnostics + file.resources.flatMap(Validation.validate)
            #expect(!findings.hasErrors, "\(url.path): \(findings)")
        }
    }

    @Test("every field of Istio's own schemas is in the support tables")
    func fieldsAreKnown() throws {
        let url = try #require(Shared.files("manifests/istio-crds", suffix: ".yaml").first)
        let kinds: Set = ["VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry", "Sidecar"]
        for document in YAMLDocument.split(try String(contentsOf: url, encoding: .utf8)) {
            let root = try #require(try YAMLReader.read(document, file: "crds"))
            guard let kind = root["spec"]?["names"]?.text("kind"), kinds.contains(kind) else { continue }
            for version in root["spec"]?["versions"]?.items ?? [] {
                let spec = version["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]
                compare(try #require(spec), .object(kind), path: kind)
            }
        }
    }

    private func compare(_ node: YAMLNode, _ shape: Schema.Shape, path: String) {
        switch shape {
        case .object(let name):
            let type = Support.schema.type(name)
            for entry in node["properties"]?.entries ?? [] {
                guard let field = type.field(entry.key) else {
                    Issue.record("\(path).\(entry.key) is not in the tables")
                    continue
                }
                compare(entry.value, field.shape, path: "\(path).\(entry.key)")
            }
            for field in type.fields where node["properties"]?[field.name] == nil {
                Issue.record("\(path).\(field.name) is not in Istio's schema")
            }
        case .list(let element):
            guard let items = node["items"] else {
                Issue.record("\(path) is no list")
                return
            }
            compare(items, element, path: path)
        case .map(let value, _):
            guard let values = node["additionalProperties"] else {
                Issue.record("\(path) is no map")
                return
            }
            compare(values, value, path: path)
        case .choice(let choices):
            let names = Set(node.strings("enum"))
            #expect(names.subtracting(choices.map(\.name)).isEmpty, "\(path)")
            #expect(Set(choices.map(\.name)).subtracting(names).isEmpty, "\(path)")
        default:
            let isScalar = ["string", "boolean", "integer", "number"].contains(node.string("type"))
            #expect(isScalar, "\(path) is \(node.string("type"))")
        }
    }
}
