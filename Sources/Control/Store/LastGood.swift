import Foundation
import Istio

/// The last good documents on disk, so that a restart equals a reload: a resource that was broken while nobody served, or is
/// still broken, comes back in the form that served last.
///
/// One file a Proxy and directory, a JSON object in each line, replaced as a whole. Secrets may be among the documents: only
/// their owner may read it. It is read only when something is broken at the start.
package struct LastGood: Sendable {
    /// One document as it was written, and the resources for whose sake it is kept.
    struct Record: Codable, Hashable {
        struct Name: Codable, Hashable, Comparable {
            var kind: String
            var namespace: String
            var name: String

            static func < (left: Name, right: Name) -> Bool {
                (left.kind, left.namespace, left.name) < (right.kind, right.namespace, right.name)
            }
        }

        var resources: [Name]
        /// The file that gave it, and the line where its document begins.
        var path: String
        var line: Int
        var text: String
    }

    /// The file that holds it.
    package let file: String
    /// The hash of what was written last.
    private var written: Int?

    /// - Parameters:
    ///   - state: the folder for state; it is made when it is missing.
    ///   - directory: the configuration's directory; each has a file of its own.
    package init(state: String, directory: String) {
        let full = URL(fileURLWithPath: directory).standardizedFileURL.path
        // FNV-1a: a name that is the same at every start, which Swift's own hashes are not.
        let hash = full.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        file = "\(state)/last-good-\(String(hash, radix: 16)).json"
    }

    /// Where state lives without an option: `$XDG_STATE_HOME/outrider`, `/var/lib/outrider` for root, else
    /// `~/.local/state/outrider`; nil without a home.
    package static func defaultState(environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return "\(state)/outrider" }
        if getuid() == 0 { return "/var/lib/outrider" }
        return environment["HOME"].map { "\($0)/.local/state/outrider" }
    }

    /// Beyond it a line number was not written by us.
    private static let lineMax = 1_000_000_000

    /// What was kept, decoded. What cannot be read any more is left out: there is no older form to fall back to.
    package func load() -> [ResourceID: ResourceStore.Good] {
        var good: [ResourceID: ResourceStore.Good] = [:]
        for record in records() {
            let names = Set(record.resources)
            let document = YAMLDocument(text: record.text[...], linesBefore: min(max(record.line, 1), Self.lineMax) - 1)
            for resource in DecodedFiles.read(document, of: record.path).resources
            where names.contains(Record.Name(resource.id)) && good[resource.id] == nil {
                good[resource.id] = ResourceStore.Good(resource: resource, path: record.path)
            }
        }
        return good
    }

    /// Keeps the documents of everything that serves. Documents of resources that are stale already are carried over from the
    /// file that is there. Nothing is written when nothing changed.
    ///
    /// - Returns: why it could not be written, nil if it was.
    package mutating func save(
        _ good: [ResourceID: ResourceStore.Good], files: [ResourceStore.FileContent]
    ) -> String? {
        var records: [Record] = []
        var saved = Set<ResourceID>()
        for file in files where !file.decoded.parseFailed {
            var documents = file.documents[...]
            for resource in file.decoded.resources {
                let id = resource.id
                guard let serving = good[id], serving.path == file.path, serving.resource == resource else { continue }
                // Both lists ascend.
                while let next = documents.dropFirst().first, next.linesBefore < resource.location.line {
                    documents.removeFirst()
                }
                guard let document = documents.first, saved.insert(id).inserted else { continue }
                let line = document.linesBefore + 1
                if let last = records.indices.last, records[last].path == file.path, records[last].line == line {
                    records[last].resources.append(Record.Name(id))
                } else {
                    records.append(
                        Record(
                            resources: [Record.Name(id)], path: file.path, line: line, text: String(document.text)))
                }
            }
        }
        if saved.count < good.count {
            for var record in self.records() {
                record.resources.removeAll { good[$0.id] == nil || saved.contains($0.id) }
                if !record.resources.isEmpty { records.append(record) }
            }
        }
        return write(records)
    }

    private func records() -> [Record] {
        guard let data = FileManager.default.contents(atPath: file) else { return [] }
        let decoder = JSONDecoder()
        return data.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(Record.self, from: $0) }
    }

    private mutating func write(_ records: [Record]) -> String? {
        let hash = records.hashValue
        if hash == written { return nil }
        do {
            let folder = (file as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            try PrivateFile.replace(file) { write in
                for record in records { try write(encoder.encode(record) + [UInt8(ascii: "\n")]) }
            }
            written = hash
            return nil
        } catch {
            return "\(file): \(error.localizedDescription)"
        }
    }
}

extension LastGood.Record.Name {
    fileprivate init(_ id: ResourceID) { self.init(kind: id.kind, namespace: id.namespace, name: id.name) }

    fileprivate var id: ResourceID { ResourceID(kind: kind, namespace: namespace, name: name) }
}
