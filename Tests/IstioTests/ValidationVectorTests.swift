import Foundation
import Testing

@testable import Istio

/// Istio's own validation cases, where they lie beside the project.
@Suite(.enabled(if: Shared.exists)) struct ValidationVectorTests {
    struct Case {
        var kind: String
        var line: Int
        var isValid: Bool
        var error: String
        var warns: Bool
        var document: String
    }

    /// Cases, by line of the file, where Outrider differs on purpose, and why. There is none.
    private static let exceptions: [Int: String] = [:]

    /// `mirrorPercent` is an old spelling, of which Istio warns and Outrider does not.
    private static let takenSilently: Set<Int> = [89, 120]

    @Test("verdicts are Istio's")
    func verdicts() throws {
        let cases = try Self.cases()
        #expect(cases.count > 300)
        var met = 0
        for item in cases {
            let file = Istio.Decoder.decode(file: "case", text: item.document)
            let findings = file.diagnostics + file.resources.flatMap(Validation.validate)
            let isMet = (!findings.hasErrors && file.resources.count == 1) == item.isValid
            met += isMet ? 1 : 0
            if item.warns, !Self.takenSilently.contains(item.line) {
                #expect(findings.contains { $0.severity == .warning }, "line \(item.line): \(item.document)")
            }
            if !isMet, Self.exceptions[item.line] == nil {
                Issue.record(
                    "line \(item.line): Istio: \(item.isValid ? "ok" : item.error), here: \(findings)\n\(item.document)"
                )
            }
        }
        print("Istio's validation cases met: \(met) of \(cases.count)")
        #expect(met * 100 >= cases.count * 95)
    }

    private static func cases() throws -> [Case] {
        let url = try #require(Shared.files("vectors", suffix: "istio-validation.jsonl").first)
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        return try lines.enumerated().map { index, line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let kind = object["kind"] as? String ?? ""
            // Istio's cases need no name; a file's resources do.
            let name = object["name"] as? String ?? ""
            let document: [String: Any] = [
                "apiVersion": "networking.istio.io/v1", "kind": kind, "spec": object["spec"] ?? [:],
                "metadata": ["name": name.isEmpty ? "t" : name, "namespace": object["namespace"] ?? ""],
            ]
            let text = try JSONSerialization.data(
                withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes])
            return Case(
                kind: kind, line: index + 1, isValid: object["ok"] as? Bool ?? false,
                error: object["error"] as? String ?? "",
                warns: object["warning"] != nil,
                document: String(decoding: text, as: UTF8.self))
        }
    }
}
