import Dispatch
import Istio

/// Decodes what changed and remembers the rest, document by document: of a file of ten thousand, one that was edited is one that
/// is decoded.
package struct DecodedFiles: Sendable {
    package typealias Decoding = @Sendable (_ document: YAMLDocument, _ file: String) -> DecodedFile

    /// One document of a file, and what it gave.
    private struct Part {
        var document: YAMLDocument
        var decoded: DecodedFile
    }

    private struct Entry {
        var text: String
        var parts: [Part] = []
        /// Of all parts together.
        var decoded: DecodedFile

        mutating func join(as file: String) {
            for part in parts { decoded.append(part.decoded) }
            decoded.boundDiagnostics(of: file)
        }
    }

    /// A document that must be decoded, and where its result belongs.
    private struct Job {
        var file: String
        var document: YAMLDocument
        var content: Int
        var part: Int
    }

    private var entries: [String: Entry] = [:]
    private let decode: Decoding
    /// How many documents the last update really decoded.
    package private(set) var decodedCount = 0

    package init(decode: @escaping Decoding = { DecodedFiles.read($0, of: $1) }) { self.decode = decode }

    /// What the files of a scan give, in their order. Entries of files that are gone are forgotten.
    /// - Parameter threads: how many decode at the same time; the result does not depend on it.
    package mutating func update(_ scan: ConfigDirectory.Scan, threads: Int = 1) -> [ResourceStore.FileContent] {
        var kept: [String: Entry] = [:]
        kept.reserveCapacity(scan.files.count)
        var changed: [Int: Entry] = [:]
        var jobs: [Job] = []
        for (index, file) in scan.files.enumerated() {
            let known = entries[file.path]
            guard case .text(let text) = file.content else {
                // Readable again with the same bytes: no need to decode.
                kept[file.path] = known
                continue
            }
            if let known, known.text.utf8.hasBytes(of: text.utf8) {
                kept[file.path] = known
            } else if let failed = Self.refusal(of: text, file: file.path) {
                kept[file.path] = Entry(text: text, decoded: failed)
            } else {
                changed[index] = Self.renew(known, text: text, file: file.path, content: index, jobs: &jobs)
            }
        }
        decodedCount = jobs.count
        for (job, decoded) in zip(jobs, decodeAll(jobs, threads: threads)) {
            changed[job.content]?.parts[job.part].decoded = decoded
        }
        for (index, var entry) in changed {
            entry.join(as: scan.files[index].path)
            kept[scan.files[index].path] = entry
        }
        entries = kept
        return scan.files.compactMap { file in
            if case .unreadable(let why) = file.content { return Self.failed(file.path, why) }
            return entries[file.path].map {
                ResourceStore.FileContent(
                    path: file.path, documents: $0.parts.map(\.document), decoded: $0.decoded)
            }
        }
    }

    // MARK: - What changed

    /// The entry of a file whose text is new: parts with the same text in the same lines are taken over, the others become jobs.
    private static func renew(
        _ known: Entry?, text: String, file: String, content: Int, jobs: inout [Job]
    ) -> Entry {
        var entry = Entry(text: text, decoded: DecodedFile())
        var old = known?.parts[...] ?? []
        for document in YAMLDocument.split(text) {
            // Both lists ascend.
            old = old.drop { $0.document.linesBefore < document.linesBefore }
            var part = Part(document: document, decoded: DecodedFile())
            if let same = old.first, same.document.linesBefore == document.linesBefore,
                same.document.hasText(of: document)
            {
                part.decoded = same.decoded
            } else {
                jobs.append(Job(file: file, document: document, content: content, part: entry.parts.count))
            }
            entry.parts.append(part)
        }
        return entry
    }

    /// In the order of the jobs.
    private func decodeAll(_ jobs: [Job], threads: Int) -> [DecodedFile] {
        let decode = decode
        let batch = 128
        guard threads > 1, jobs.count > batch else { return jobs.map { decode($0.document, $0.file) } }
        return [DecodedFile](unsafeUninitializedCapacity: jobs.count) { buffer, count in
            let slots = Unchecked(buffer)
            DispatchQueue.concurrentPerform(iterations: (jobs.count + batch - 1) / batch) { number in
                var name = ""
                var original = ""
                for index in number * batch..<min((number + 1) * batch, jobs.count) {
                    // Every line of a resource holds its file's name: threads that count one object's references together
                    // would be slower than one thread.
                    if jobs[index].file != original {
                        original = jobs[index].file
                        name = String(decoding: Array(original.utf8), as: UTF8.self)
                    }
                    slots.value.initializeElement(at: index, to: decode(jobs[index].document, name))
                }
            }
            count = jobs.count
        }
    }

    // MARK: - Reading

    /// Decodes a document and checks each of its resources by itself: one with an error counts as broken.
    static func read(_ document: YAMLDocument, of file: String) -> DecodedFile {
        var decoded = Decoder.decode(document, of: file)
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

    /// What stands for a file that is not split. An empty file is one that an editor is about to write: it takes nothing back.
    private static func refusal(of text: String, file: String) -> DecodedFile? {
        guard !text.utf8.contains(where: { $0 > 0x20 }) else { return Decoder.refusal(of: text, file: file) }
        var empty = DecodedFile()
        empty.parseFailed = true
        empty.diagnostics = [
            Diagnostic(
                .warning, at: SourceLocation(file: file, line: 1), "the file is empty: what it gave before stays",
                fix: "delete the file to take its resources back")
        ]
        return empty
    }

    private static func failed(_ file: String, _ why: String) -> ResourceStore.FileContent {
        var failed = DecodedFile()
        failed.parseFailed = true
        failed.diagnostics = [Diagnostic(.error, at: SourceLocation(file: file), why)]
        return ResourceStore.FileContent(path: file, decoded: failed)
    }
}
