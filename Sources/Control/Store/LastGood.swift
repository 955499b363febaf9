import Foundation
import Istio

/// The last good documents on disk, so that a restart equals a reload: a resource that was broken while nobody served, or is
/// still broken, comes back in the form that served last.
///
/// One JSON file a Proxy and directory, replaced as a whole. It is read only when something is broken at the start.
package struct LastGood: Sendable {
    /// One resource's document as it was written.
    struct Record: Codable, Equatable {
        var kind: String
        var namespace: String
        var name: String
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

    /// What was kept, decoded. What cannot be read any more is left out: there is no older form to fall back to.
    package func load() -> [ResourceID: ResourceStore.Good] {
        guard let data = FileManager.default.contents(atPath: file),
            let records = try? JSONDecoder().decode([Record].self, from: data)
        else { return [:] }
        var good: [ResourceID: ResourceStore.Good] = [:]
        for record in records where good[record.id] == nil {
            // Blank lines in front put the document on its line again.
            let padding = String(repeating: "\n", count: min(max(record.line - 1, 0), 1_000_000))
            for resource in DecodedFiles.read(file: record.path, text: padding + record.text).resources {
                good[resource.id] = good[resource.id] ?? ResourceStore.Good(resource: resource, path: record.path)
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
        records.reserveCapacity(good.count)
        var saved = Set<ResourceID>()
        for file in files where !file.decoded.parseFailed {
            let serving = file.decoded.resources.filter {
                good[$0.id]?.path == file.path && good[$0.id]?.resource == $0
            }
            guard !serving.isEmpty else { continue }
            let documents = YAMLDocument.split(file.text)
            for resource in serving {
                guard let document = documents.last(where: { $0.firstLine <= resource.location.line }),
                    saved.insert(resource.id).inserted
                else { continue }
                records.append(Record(resource.id, path: file.path, line: document.firstLine, text: document.text))
            }
        }
        if saved.count < good.count {
            records += self.records().filter { good[$0.id] != nil && !saved.contains($0.id) }
        }
        records.sort { $0.id < $1.id }
        return write(records)
    }

    private func records() -> [Record] {
        guard let data = FileManager.default.contents(atPath: file) else { return [] }
        return (try? JSONDecoder().decode([Record].self, from: data)) ?? []
    }

    private mutating func write(_ records: [Record]) -> String? {
        do {
            let data = try JSONEncoder().encode(records)
            // Over all bytes: a Data's own hash looks at the first few only.
            var hasher = Hasher()
            data.withUnsafeBytes { hasher.combine(bytes: $0) }
            let hash = hasher.finalize()
            if hash == written { return nil }
            let folder = (file as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try data.write(to: URL(fileURLWithPath: file), options: .atomic)
            written = hash
            return nil
        } catch {
            return "\(file): \(error.localizedDescription)"
        }
    }
}

extension LastGood.Record {
    fileprivate init(_ id: ResourceID, path: String, line: Int, text: String) {
        self.init(kind: id.kind, namespace: id.namespace, name: id.name, path: path, line: line, text: text)
    }

    fileprivate var id: ResourceID { ResourceID(kind: kind, namespace: namespace, name: name) }
}

/// One document of a YAML file as text.
struct YAMLDocument: Equatable {
    /// Counted from 1: the line of its `---`, or of the file's beginning.
    var firstLine: Int
    var text: String

    /// Cuts at the lines that begin with `---`, which are document markers wherever they stand (YAML 1.2, section 9.1.2).
    static func split(_ text: String) -> [YAMLDocument] {
        var documents: [YAMLDocument] = []
        var start = text.startIndex
        var startLine = 1
        var line = 1
        var position = text.startIndex
        let bytes = text.utf8
        while position < bytes.endIndex {
            let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.endIndex
            if position > start, isMarker(bytes[position..<end]) {
                documents.append(YAMLDocument(firstLine: startLine, text: String(text[start..<position])))
                start = position
                startLine = line
            }
            position = end < bytes.endIndex ? bytes.index(after: end) : end
            line += 1
        }
        documents.append(YAMLDocument(firstLine: startLine, text: String(text[start...])))
        return documents
    }

    private static func isMarker(_ line: Substring.UTF8View) -> Bool {
        guard line.starts(with: "---".utf8) else { return false }
        guard let next = line.dropFirst(3).first else { return true }
        return next == 0x20 || next == 0x09 || next == 0x0D
    }
}
