import Yams

/// One document's text into a `YAMLNode`; the only file that sees Yams.
struct YAMLReader {
    /// Why a document cannot be read.
    struct Failure: Error {
        var location: SourceLocation
        var message: String
        var fix: String?
    }

    private let file: String
    private let document: DocumentSplitter.Document
    private var nodesLeft = DecodeLimits.documentNodesMax

    /// nil: the document is empty.
    static func read(_ document: DocumentSplitter.Document, file: String) throws(Failure) -> YAMLNode? {
        var reader = YAMLReader(file: file, document: document)
        return try reader.read()
    }

    private init(file: String, document: DocumentSplitter.Document) {
        self.file = file
        self.document = document
    }

    private mutating func read() throws(Failure) -> YAMLNode? {
        try guardAgainstBombs()
        let root: Node?
        do {
            root = try Yams.Parser(yaml: document.text, encoding: .utf8).nextRoot()
        } catch let error as YamlError {
            throw failure(error)
        } catch {
            throw Failure(location: location(line: 1), message: "cannot be read: \(error)")
        }
        return try root.map { node throws(Failure) in try convert(node, depth: 0) }
    }

    private func location(line: Int) -> SourceLocation { SourceLocation(file: file, line: document.linesBefore + line) }
}

// MARK: - Nodes

extension YAMLReader {
    private mutating func convert(_ node: Node, depth: Int) throws(Failure) -> YAMLNode {
        let place = location(line: node.mark?.line ?? 1)
        nodesLeft -= 1
        guard nodesLeft > 0 else {
            throw Failure(
                location: place,
                message:
                    "the document has more than \(DecodeLimits.documentNodesMax) nodes once its aliases are followed",
                fix: "split it into several documents")
        }
        guard depth < DecodeLimits.depthMax else {
            throw Failure(
                location: place, message: "blocks are nested more than \(DecodeLimits.depthMax) deep")
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            let isNull = isPlain && YAMLScalar(plain: scalar.string) == .null
            return YAMLNode(content: isNull ? .null : .scalar(scalar.string, isPlain: isPlain), location: place)
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            items.reserveCapacity(sequence.count)
            for item in sequence { items.append(try convert(item, depth: depth + 1)) }
            return YAMLNode(content: .list(items), location: place)
        case .mapping(let mapping):
            return YAMLNode(content: .map(try convert(mapping, depth: depth)), location: place)
        case .alias:
            throw Failure(location: place, message: "an alias here cannot be followed")
        }
    }

    private mutating func convert(_ mapping: Node.Mapping, depth: Int) throws(Failure) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        entries.reserveCapacity(mapping.count)
        for (key, value) in mapping {
            let place = location(line: key.mark?.line ?? 1)
            guard case .scalar(let scalar) = key else {
                throw template(near: key.mark?.line)
                    ?? Failure(location: place, message: "a key is \(noun(key)), where only a name can be")
            }
            let node = try convert(value, depth: depth + 1)
            if scalar.string == "<<", scalar.style == .plain {
                merged += node.entries + node.items.flatMap(\.entries)
            } else {
                entries.append(.init(key: scalar.string, keyLocation: place, value: node))
            }
        }
        guard !merged.isEmpty else { return entries }
        var keys = Set(entries.map(\.key))
        for entry in merged where keys.insert(entry.key).inserted { entries.append(entry) }
        return entries
    }

    private func noun(_ node: Node) -> String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        default: "an alias"
        }
    }
}

// MARK: - Hostile documents

extension YAMLReader {
    /// Aliases are followed by `convert`, within its count of nodes. Yams itself hashes keys while it parses, so a key must not
    /// be, or hold, an alias.
    private func guardAgainstBombs() throws(Failure) {
        let bytes = Array(document.text.utf8)
        var aliases = 0
        var hasComplexKey = false
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "*")
            where startsToken(bytes, index) && index + 1 < bytes.count && isName(bytes[index + 1]):
                aliases += 1
                var end = index + 1
                while end < bytes.count, isName(bytes[end]) { end += 1 }
                hasComplexKey = hasComplexKey || isBeforeColon(bytes, end)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                hasComplexKey = hasComplexKey || isBeforeColon(bytes, index + 1)
            case UInt8(ascii: "?") where startsToken(bytes, index): hasComplexKey = true
            default: break
            }
        }
        guard aliases > 0 else { return }
        if aliases > DecodeLimits.aliasesMax {
            throw Failure(
                location: location(line: 1), message: "more than \(DecodeLimits.aliasesMax) aliases in one document")
        }
        if hasComplexKey {
            throw Failure(
                location: location(line: 1), message: "a document with aliases has keys that are not names",
                fix: "write the keys out")
        }
    }

    /// Whether an indicator may stand here: at a line's start, or after a blank, a bracket or a comma.
    private func startsToken(_ bytes: [UInt8], _ index: Int) -> Bool {
        guard index > 0 else { return true }
        switch bytes[index - 1] {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: "-"):
            return true
        default: return false
        }
    }

    private func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private func isBeforeColon(_ bytes: [UInt8], _ start: Int) -> Bool {
        var index = start
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") {
            index += 1
        }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }
}

// MARK: - What Yams says

extension YAMLReader {
    private func failure(_ error: YamlError) -> Failure {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if let template = template(near: mark.line) { return template }
            let line = text(ofLine: mark.line)
            if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
                return Failure(
                    location: location(line: mark.line), message: "a tab indents this line, which YAML does not allow",
                    fix: "use spaces")
            }
            let circumstance = context.map { " \($0.text) that began in line \(document.linesBefore + $0.mark.line)" }
            return Failure(
                location: location(line: mark.line), message: "not YAML: \(problem)\(circumstance ?? "")")
        case .reader(let problem, let offset, _, _):
            let before = document.text.unicodeScalars.prefix(offset ?? 0)
            let line = 1 + before.count { $0 == "\n" }
            return Failure(location: location(line: line), message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return duplicate(key: duplicates.first ?? "", first: context.mark)
        default:
            return Failure(location: location(line: 1), message: "not YAML: \(error)")
        }
    }

    /// Yams names the first of two equal keys. The second is the next line that has the key in the same column, before a line
    /// that is indented less.
    private func duplicate(key: String, first: Mark) -> Failure {
        let lines = document.text.split(separator: "\n", omittingEmptySubsequences: false)
        var second: Int?
        for index in lines.indices.dropFirst(first.line) {
            let content = lines[index].drop { $0 == " " }
            guard let initial = content.first, initial != "#" else { continue }
            let column = lines[index].count - content.count + 1
            if column < first.column { break }
            let name = content.drop { $0 == "\"" || $0 == "'" }
            if column == first.column, name.hasPrefix(key),
                name.dropFirst(key.count).first.map({ ":\"' ".contains($0) }) ?? false
            {
                second = index + 1
                break
            }
        }
        let firstPlace = location(line: first.line)
        let place = second.map { location(line: $0) } ?? firstPlace
        let earlier = second == nil ? "" : ", first in line \(firstPlace.line)"
        return Failure(
            location: place, message: "the key \(key.quotedForMessage) is given twice in one mapping\(earlier)",
            fix: "keep one of them")
    }

    /// A template's braces are YAML of a kind, but never what was meant.
    private func template(near line: Int?) -> Failure? {
        guard let line, text(ofLine: line).contains("{{") else { return nil }
        return Failure(
            location: location(line: line), message: "a template was left in ({{ … }})",
            fix: "render it first, for instance with helm template")
    }

    private func text(ofLine line: Int) -> Substring {
        let lines = document.text.split(separator: "\n", maxSplits: line, omittingEmptySubsequences: false)
        return line >= 1 && line <= lines.count ? lines[line - 1] : ""
    }
}
