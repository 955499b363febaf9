import Foundation

@testable import Istio

/// Data beside the project, which tests read where it lies there and skip where it does not.
enum Shared {
    /// The folder `shared` beside the project, or beside the folder of its work trees.
    static let folder: URL? = {
        var place = URL(filePath: #filePath)
        for _ in 0..<6 {
            place.deleteLastPathComponent()
            let candidate = place.appending(path: "shared")
            if FileManager.default.fileExists(atPath: candidate.appending(path: "vectors").path) { return candidate }
        }
        return nil
    }()

    static var exists: Bool { folder != nil }

    /// Files below a path, by path.
    static func files(_ path: String, suffix: String) -> [URL] {
        guard let root = folder?.appending(path: path),
            let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        else { return [] }
        return walk.compactMap { $0 as? URL }.filter { $0.path.hasSuffix(suffix) }.sorted { $0.path < $1.path }
    }
}

/// Decodes text under the file name `test.yaml`.
func decode(_ text: String) -> DecodedFile { Istio.Decoder.decode(file: "test.yaml", text: text) }

/// The spec of an Istio resource named `ns/t`, in a document that the decoder takes.
func document(_ kind: String, _ spec: String) -> String {
    let body = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
    return "apiVersion: networking.istio.io/v1\nkind: \(kind)\nmetadata: {name: t, namespace: ns}\nspec:\n\(body)\n"
}
