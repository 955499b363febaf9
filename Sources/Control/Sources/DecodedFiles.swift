import Istio

/// Decodes what changed and remembers the rest: YAML is read at a few megabytes a second, so a file whose bytes are the same
/// is not read twice.
package struct DecodedFiles: Sendable {
    private struct Entry {
        var text: String
        var decoded: DecodedFile
    }

    private var entries: [String: Entry] = [:]
    private let decode: @Sendable (_ file: String, _ text: String) -> DecodedFile
    /// How many files the last update really decoded.
    package private(set) var decodedCount = 0

    package init(
        decode: @escaping @Sendable (_ file: String, _ text: String) -> DecodedFile = {
            DecodedFiles.read(file: $0, text: $1)
        }
    ) {
        self.decode = decode
    }

    /// What the files of a scan give, in their order. Entries of files that are gone are forgotten.
    package mutating func update(_ scan: ConfigDirectory.Scan) -> [ResourceStore.FileContent] {
        var kept: [String: Entry] = [:]
        kept.reserveCapacity(scan.files.count)
        decodedCount = 0
        var contents: [ResourceStore.FileContent] = []
        contents.reserveCapacity(scan.files.count)
        for file in scan.files {
            switch file.content {
            case .unreadable(let why):
                var failed = DecodedFile()
                failed.parseFailed = true
                failed.diagnostics = [Diagnostic(.error, at: SourceLocation(file: file.path), why)]
                contents.append(ResourceStore.FileContent(path: file.path, text: "", decoded: failed))
                // Readable again with the same bytes: no need to decode.
                kept[file.path] = entries[file.path]
            case .text(let text):
                var entry = entries[file.path]
                // Comparing bytes is exact and faster than hashing them.
                if entry?.text != text {
                    entry = Entry(text: text, decoded: decode(file.path, text))
                    decodedCount += 1
                }
                if let entry {
                    kept[file.path] = entry
                    contents.append(ResourceStore.FileContent(path: file.path, text: text, decoded: entry.decoded))
                }
            }
        }
        entries = kept
        return contents
    }

    /// Decodes a file and checks each of its resources by itself: one with an error counts as broken. An empty file is one that an
    /// editor is about to write: it takes nothing back.
    static func read(file: String, text: String) -> DecodedFile {
        guard text.utf8.contains(where: { $0 > 0x20 }) else {
            var empty = DecodedFile()
            empty.parseFailed = true
            empty.diagnostics = [
                Diagnostic(
                    .warning, at: SourceLocation(file: file, line: 1), "the file is empty: what it gave before stays",
                    fix: "delete the file to take its resources back")
            ]
            return empty
        }
        var decoded = Decoder.decode(file: file, text: text)
        var good: [Resource] = []
        good.reserveCapacity(decoded.resources.count)
        for resource in decoded.resources {
            let findings = Validation.validate(resource)
            decoded.diagnostics += findings
            if findings.hasErrors {
                decoded.broken.append(BrokenResource(id: resource.id, location: resource.location))
            } else {
                good.append(resource)
            }
        }
        decoded.resources = good
        return decoded
    }
}
