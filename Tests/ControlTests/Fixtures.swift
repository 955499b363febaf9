import Foundation
import Istio

@testable import Control

/// A tiny language in place of YAML, so that these tests are about keeping and not about decoding. A line is
/// `service NAME VALUE`, `broken NAME`, or `garbage`, which makes the file one that does not parse.
enum Toy {
    @Sendable static func decode(_ document: YAMLDocument, of file: String) -> DecodedFile {
        decode(file: file, text: String(document.text))
    }

    static func decode(file: String, text: String) -> DecodedFile {
        var decoded = DecodedFile()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ").map(String.init)
            let location = SourceLocation(file: file, line: index + 1)
            switch words.first {
            case "service": decoded.resources.append(service(words[1], value: words[2], at: location))
            case "broken":
                let id = ResourceID(kind: "Service", namespace: "default", name: words[1])
                decoded.broken.append(BrokenResource(id: id, location: location))
                decoded.diagnostics.append(
                    Diagnostic(.error, at: location, resource: id.description, "a field is wrong"))
            case "garbage":
                decoded.parseFailed = true
                decoded.diagnostics.append(Diagnostic(.error, at: location, "this is not YAML"))
            default: break
            }
        }
        return decoded
    }

    static func service(_ name: String, value: String, at location: SourceLocation) -> Resource {
        var metadata = Metadata(name: name, namespace: "default", location: location)
        metadata.labels = ["value": value]
        return .service(Service(metadata: metadata))
    }
}

extension ResourceStore {
    /// Applies files given as texts, in order of their paths.
    mutating func apply(_ texts: [String: String], isIncomplete: Bool = false) -> State {
        apply(
            texts.sorted { $0.key < $1.key }.map { path, text in
                FileContent(path: path, decoded: Toy.decode(file: path, text: text))
            }, isIncomplete: isIncomplete)
    }
}

extension ResourceStore.State {
    /// `NAME=VALUE` of what serves, in its order.
    var served: [String] { resources.map { "\($0.name)=\($0.metadata.labels["value"] ?? "")" } }
    /// `NAME: FATE` of what does not.
    var fates: [String] { troubled.map { "\($0.id.name): \($0.fate.rawValue)" } }
}

/// A folder that is removed when the test lets go of it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "outrider-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }
}
