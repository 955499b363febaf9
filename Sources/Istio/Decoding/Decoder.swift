/// What one file gave.
package struct DecodedFile: Sendable {
    /// Resources without errors, in the order of the file.
    package var resources: [Resource] = []
    /// Resources that are named but have errors: not in `resources`, but neither deleted. Their last good form may serve on.
    package var broken: [BrokenResource] = []
    package var diagnostics: [Diagnostic] = []
    /// Some document is not YAML, or has no kind and name, so it is unknown what the file holds; all that it last gave is kept.
    package var parseFailed = false

    package init() {}

    /// Adds what another document of the same file gave.
    package mutating func append(_ other: DecodedFile) {
        resources += other.resources
        broken += other.broken
        diagnostics += other.diagnostics
        parseFailed = parseFailed || other.parseFailed
    }

    /// Tells no more than a file's share of findings, errors before others, and counts the rest.
    package mutating func boundDiagnostics(of file: String) {
        let excess = diagnostics.count - DecodeLimits.diagnosticsMax
        guard excess > 0 else { return }
        diagnostics = diagnostics.filter { $0.severity == .error } + diagnostics.filter { $0.severity != .error }
        diagnostics.removeLast(excess)
        diagnostics.append(
            Diagnostic(.note, at: SourceLocation(file: file), "and \(excess) more findings in this file"))
    }
}

/// A resource that could not be decoded, by name.
package struct BrokenResource: Hashable, Sendable {
    package var id: ResourceID
    package var location: SourceLocation

    package init(id: ResourceID, location: SourceLocation) {
        self.id = id
        self.location = location
    }
}

/// Files of YAML (or JSON, which is YAML) into resources.
package struct Decoder {
    private let file: String
    private let defaultNamespace: String
    private var result = DecodedFile()

    /// Never fails as a whole: what cannot be read is told in the diagnostics, and the rest is given. Costs about a second
    /// for 8 MB.
    ///
    /// - Parameters:
    ///   - file: the name that messages carry.
    ///   - defaultNamespace: for resources that name none.
    package static func decode(file: String, text: String, defaultNamespace: String = "default") -> DecodedFile {
        if let refusal = refusal(of: text, file: file) { return refusal }
        var result = DecodedFile()
        for document in YAMLDocument.split(text) {
            result.append(decode(document, of: file, defaultNamespace: defaultNamespace))
        }
        result.boundDiagnostics(of: file)
        return result
    }

    /// The same for a file's bytes, which may not be UTF-8.
    package static func decode(file: String, bytes: [UInt8], defaultNamespace: String = "default") -> DecodedFile {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            var decoder = Decoder(file: file, defaultNamespace: defaultNamespace)
            decoder.fail(line: firstLineNotUTF8(bytes), "not UTF-8 text", fix: "save the file as UTF-8")
            return decoder.result
        }
        return decode(file: file, text: text, defaultNamespace: defaultNamespace)
    }

    /// What one document of a file gives: the part of `decode` that takes the time. It knows nothing of the other documents.
    package static func decode(
        _ document: YAMLDocument, of file: String, defaultNamespace: String = "default"
    ) -> DecodedFile {
        var decoder = Decoder(file: file, defaultNamespace: defaultNamespace)
        do throws(YAMLReader.Failure) {
            if let root = try YAMLReader.read(document, file: file), !root.isNull { decoder.decode(document: root) }
        } catch {
            decoder.report(Diagnostic(.error, at: error.location, error.message, fix: error.fix))
            decoder.result.parseFailed = true
        }
        return decoder.result
    }

    /// What stands for a file that is too large to be split; nil: it is not.
    package static func refusal(of text: String, file: String) -> DecodedFile? {
        guard text.utf8.count > DecodeLimits.fileBytesMax else { return nil }
        var decoder = Decoder(file: file, defaultNamespace: "")
        decoder.fail(line: 0, "the file is larger than \(DecodeLimits.fileBytesMax >> 20) MiB", fix: "split it")
        return decoder.result
    }

    private init(file: String, defaultNamespace: String) {
        self.file = file
        self.defaultNamespace = defaultNamespace
    }

    private static func firstLineNotUTF8(_ bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return 1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
    }
}

// MARK: - Documents

extension Decoder {
    private mutating func decode(document: YAMLNode) {
        guard case .map = document.content else {
            return fail(at: document.location, "the document is \(document.noun), where a resource belongs")
        }
        let apiVersion = document.string("apiVersion")
        let kind = document.string("kind")
        if kind.hasSuffix("List"), let items = document["items"] {
            for item in items.items where !item.isNull { decode(document: item) }
            return
        }
        guard !kind.isEmpty, !apiVersion.isEmpty else {
            let missing = kind.isEmpty ? "kind" : "apiVersion"
            return fail(
                at: document.location, "the document has no \(missing), so it is no resource",
                fix: "add \(missing), or move the file elsewhere")
        }
        let location = document.entry("kind").map(\.keyLocation) ?? document.location
        switch Kind(apiVersion: apiVersion, kind: kind) {
        case .served(let served): decode(document, as: served)
        case .unused:
            report(Diagnostic(.note, at: location, resource: name(of: document, kind), "not used by Outrider"))
        case .unsupported(let shortfall):
            report(
                Diagnostic(
                    .warning, at: location, resource: name(of: document, kind),
                    "\(kind) is not supported yet: \(shortfall)"))
        case .wrongVersion(let versions):
            broken(
                document, kind,
                Diagnostic(
                    .error, at: location, resource: name(of: document, kind),
                    "\(apiVersion.quotedForMessage) is no version of \(kind) that Outrider knows",
                    fix: "use \(versions.joined(separator: " or "))"))
        case .unknown:
            let nearest = Spelling.nearest(to: kind, among: Kind.Served.allCases.map(\.rawValue))
            report(
                Diagnostic(
                    .error, at: location, resource: name(of: document, kind),
                    "\(apiVersion) \(kind) is not a kind that Outrider knows",
                    fix: nearest.flatMap { $0 == kind ? "check its apiVersion" : "did you mean \($0)?" }))
        }
    }

    private func name(of document: YAMLNode, _ kind: String) -> String {
        id(of: document, kind).description
    }

    private func id(of document: YAMLNode, _ kind: String) -> ResourceID {
        let metadata = document["metadata"]
        return ResourceID(
            kind: kind, namespace: metadata?.text("namespace") ?? defaultNamespace, name: metadata?.text("name") ?? "")
    }
}

// MARK: - Resources

extension Decoder {
    private mutating func decode(_ document: YAMLNode, as kind: Kind.Served) {
        let id = id(of: document, kind.rawValue)
        guard !id.name.isEmpty else {
            return fail(at: document.location, "this \(kind.rawValue) has no metadata.name", fix: "name it")
        }
        var check = SchemaCheck(schema: Support.schema, resource: id.description)
        if let metadata = document["metadata"] { check.check(metadata, type: "Metadata", at: "metadata") }
        if let type = kind.specType {
            check.checkTop(document)
            if let spec = document["spec"] { check.check(spec, type: type, at: "spec") }
        } else {
            check.check(document, type: kind.rawValue)
        }
        if let type = kind.statusType, let status = document["status"] { check.check(status, type: type, at: "status") }
        result.diagnostics += check.diagnostics
        guard !check.diagnostics.hasErrors else {
            result.broken.append(BrokenResource(id: id, location: document.location))
            return
        }
        result.resources.append(
            Resource(kind, document, metadata: Metadata(document, defaultNamespace: defaultNamespace)))
    }

    private mutating func broken(_ document: YAMLNode, _ kind: String, _ diagnostic: Diagnostic) {
        report(diagnostic)
        result.broken.append(BrokenResource(id: id(of: document, kind), location: document.location))
    }

    private mutating func fail(line: Int, _ message: String, fix: String? = nil) {
        fail(at: SourceLocation(file: file, line: line), message, fix: fix)
    }

    /// Something is here, but what it is cannot be told.
    private mutating func fail(at location: SourceLocation, _ message: String, fix: String? = nil) {
        report(Diagnostic(.error, at: location, message, fix: fix))
        result.parseFailed = true
    }

    private mutating func report(_ diagnostic: Diagnostic) { result.diagnostics.append(diagnostic) }
}
